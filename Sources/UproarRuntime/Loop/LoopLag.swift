import UproarCore

/// How late a loop's timers fired: a small histogram, eight buckets to each doubling (at most 12.5 % wide).
///
/// Drained each second by whoever reports it. From 1 µs to 68 s; what lies outside counts in the end buckets.
package struct LoopLag: Sendable, Equatable {
    private static let lowestBit = 10
    package static let bucketCount = 8 * 26 + 1

    /// Timers by bucket: bucket 0 holds what was late by less than 1.024 µs.
    package private(set) var counts = [UInt32](repeating: 0, count: bucketCount)
    package private(set) var count = 0
    /// The greatest lateness, exact.
    package private(set) var maximum: Duration = .zero
    private var maximumNanoseconds: Int64 = 0

    package init() {}

    /// Counts one timer that fired so many nanoseconds after its deadline.
    package mutating func record(nanoseconds: Int64) {
        count += 1
        if nanoseconds > maximumNanoseconds {
            maximumNanoseconds = nanoseconds
            maximum = .nanoseconds(nanoseconds)
        }
        counts[Self.bucket(of: nanoseconds)] += 1
    }

    package mutating func merge(_ other: LoopLag) {
        count += other.count
        maximumNanoseconds = max(maximumNanoseconds, other.maximumNanoseconds)
        maximum = .nanoseconds(maximumNanoseconds)
        for index in 0..<Self.bucketCount { counts[index] += other.counts[index] }
    }

    /// The upper bound of the bucket that holds quantile `q`, never above the maximum. Nil when nothing was recorded.
    package func quantile(_ q: Double) -> Duration? {
        guard count > 0 else { return nil }
        let rank = max(1, Int((q * Double(count)).rounded(.up)))
        var seen = 0
        for index in 0..<Self.bucketCount {
            seen += Int(counts[index])
            if seen >= rank {
                return .nanoseconds(min(Self.upperBound(of: index), maximumNanoseconds))
            }
        }
        return maximum
    }

    static func bucket(of nanoseconds: Int64) -> Int {
        guard nanoseconds >= 1 << lowestBit else { return 0 }
        let exponent = 63 - nanoseconds.leadingZeroBitCount
        let eighth = Int(nanoseconds >> (exponent - 3)) & 7
        return min(bucketCount - 1, 1 + 8 * (exponent - lowestBit) + eighth)
    }

    /// In nanoseconds, exclusive.
    package static func upperBound(of bucket: Int) -> Int64 {
        guard bucket > 0 else { return 1 << lowestBit }
        let (octave, eighth) = (bucket - 1).quotientAndRemainder(dividingBy: 8)
        return Int64(9 + eighth) << (octave + lowestBit - 3)
    }
}
