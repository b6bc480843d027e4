import Glibc
import UproarCore

/// A day of calls by a name: how the mean number of calls under way goes, as a share of the day's peak, and calls drawn by it.
package enum TrafficShape: String, CaseIterable, Sendable {
    /// Nothing at night, a busy morning, a dip at noon, an afternoon that ends at six.
    case office
    /// Little by day, and everybody from six to nine: Friday evening.
    case evening
    /// A flat day with a quarter of an hour of six times the calls, from one minute to the next.
    case flash
    case flat

    package var summary: String {
        switch self {
        case .office: "busy at 10 and at 15, quiet at night"
        case .evening: "a peak from 18 to 21"
        case .flash: "a flat day, and six times as much from 12:00 to 12:15"
        case .flat: "the same all day"
        }
    }

    /// The level at an hour of the day, 0 to 1.
    package func level(hour: Double) -> Double {
        func bump(_ at: Double, _ width: Double) -> Double {
            exp(-(hour - at) * (hour - at) / (2 * width * width))
        }
        switch self {
        case .office: return min(1, 0.03 + 0.97 * bump(10, 1.5) + 0.85 * bump(15, 1.6))
        case .evening: return min(1, 0.05 + 0.2 * bump(12, 3) + 0.95 * bump(19.5, 1.2))
        case .flash: return (12..<12.25).contains(hour) ? 1 : 1.0 / 6
        case .flat: return 1
        }
    }

    private static let step = 60.0

    /// A day of calls, `peak` of them under way at the peak on average; they come by themselves (Poisson, minute by minute).
    ///
    /// - length: draws the length of a call, in seconds; `mean` is its mean.
    package func day(
        peak: Double, mean: Double, seed: Seed, length: (inout RandomStream) -> Double
    ) -> CallLog {
        fill(seed: seed, length: length) { hour in peak / mean * Self.step * level(hour: hour) }
    }

    /// The same with about so many calls in all.
    package func day(
        calls: Double, seed: Seed, length: (inout RandomStream) -> Double
    ) -> CallLog {
        let minutes = (0..<1440).map { level(hour: (Double($0) + 0.5) / 60) }
        let sum = minutes.reduce(0, +)
        return fill(seed: seed, length: length) { hour in calls * level(hour: hour) / sum }
    }

    private func fill(
        seed: Seed, length: (inout RandomStream) -> Double, perMinute: (Double) -> Double
    ) -> CallLog {
        var random = seed.stream("traffic-shape")
        var calls: [CallLog.Call] = []
        for minute in 0..<1440 {
            let mean = perMinute((Double(minute) + 0.5) / 60)
            guard mean > 0 else { continue }
            // Exponential gaps within the minute.
            var at = 0.0
            while true {
                at -= log(1 - random.unit()) / mean * Self.step
                guard at < Self.step else { break }
                calls.append(
                    .init(start: Double(minute) * Self.step + at, length: length(&random)))
            }
        }
        return CallLog(name: rawValue, calls: calls)
    }
}
