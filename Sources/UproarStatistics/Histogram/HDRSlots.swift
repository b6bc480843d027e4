/// Where a value lies among the slots of the one histogram configuration: 1 µs to 1 h in nanoseconds, 3 significant digits.
///
/// The layout is that of HdrHistogram (Gil Tene), so that its V2 encoding means the same to other tools: slots of 512 ns up
/// to 2^20 ns, then 1,024 slots to each doubling. Money is recorded in nano-dollars, bare numbers times 1,000,000.
///
/// ```
/// value (ns)   0 ..< 2^20      2^20 ..< 2^21    2^21 ..< 2^22   …   2^41 ..< 2^42
/// slot width   512             1,024            2,048               2^31 (2.1 s at 37 to 73 min)
/// slots        0 ..< 2,048     2,048 ..< 3,072  3,072 ..< 4,096     23,552 ..< 24,576
/// ```
package enum HDRSlots {
    package static let lowestDiscernible: Int64 = 1_000
    package static let highestTrackable: Int64 = 3_600_000_000_000
    package static let significantDigits = 3

    /// log2 of the width of the first slots: the largest power of two not above `lowestDiscernible`.
    static let unitMagnitude = 9
    /// log2 of half the slots of the first bucket: 2,048 slots tell 2 × 10^3 values apart.
    static let halfMagnitude = 10
    static let half = 1 << halfMagnitude
    /// Slots of the whole range; 22 doublings of 2^20 ns pass one hour.
    package static let count = 24 * half

    private static let firstBucketMask: Int64 = Int64(2 * half - 1) << Int64(unitMagnitude)
    private static let leadingZerosOfFirstBucket = 64 - unitMagnitude - halfMagnitude - 1

    /// The slot of a value in 0 ... `highestTrackable`.
    @inline(__always)
    static func slot(of value: Int64) -> Int {
        let bucket = leadingZerosOfFirstBucket - (value | firstBucketMask).leadingZeroBitCount
        let place = Int(value >> Int64(bucket + unitMagnitude))
        return (bucket << halfMagnitude) + place
    }

    /// The least value of a slot.
    static func lowest(_ slot: Int) -> Int64 {
        let bucket = max(0, (slot >> halfMagnitude) - 1)
        return Int64(slot - (bucket << halfMagnitude)) << Int64(bucket + unitMagnitude)
    }

    /// The greatest value of a slot.
    static func highest(_ slot: Int) -> Int64 { lowest(slot) + width(slot) - 1 }

    static func middle(_ slot: Int) -> Int64 { lowest(slot) + width(slot) / 2 }

    static func width(_ slot: Int) -> Int64 {
        1 << Int64(max(0, (slot >> halfMagnitude) - 1) + unitMagnitude)
    }
}
