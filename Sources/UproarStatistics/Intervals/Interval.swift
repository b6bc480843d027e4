import UproarCore

/// What one metric did in one interval, or in any merge of intervals. Merging is exact and in any order.
package struct Interval: Sendable, Equatable {
    /// Values of a metric of kind `samples`.
    package var samples = SignedHistogram()
    /// Events of a metric of kind `events`.
    package var events: UInt64 = 0
    /// Occasions on which an event or a sample could have come: what `rate` divides by.
    package var occasions: UInt64 = 0
    /// Of a metric whose mean is a ratio of totals (cost by connected time); both zero otherwise.
    package var numerator: Int64 = 0
    package var denominator: Int64 = 0
    /// A call with the greatest sample (a censored one is greater than all), or one in which an event happened.
    package var worst: Exemplar?
    /// A call in which an occasion passed without sample or event.
    package var missed: Exemplar?

    package init() {}

    package var isEmpty: Bool { samples.isEmpty && events == 0 && occasions == 0 }

    package mutating func add(_ other: Interval) {
        samples.add(other.samples)
        events += other.events
        occasions += other.occasions
        numerator += other.numerator
        denominator += other.denominator
        worst = Exemplar.greater(worst, other.worst)
        missed = Exemplar.greater(missed, other.missed)
    }
}

/// A call to listen to, and why.
package struct Exemplar: Hashable, Sendable, Comparable {
    package var call: UInt32
    /// In the metric's stored unit; `Int64.max` for a censored sample.
    package var value: Int64

    package init(call: UInt32, value: Int64) {
        self.call = call
        self.value = value
    }

    /// By value; at equal values the lower call is greater, so that merging in any order names the same call.
    package static func < (a: Exemplar, b: Exemplar) -> Bool {
        a.value != b.value ? a.value < b.value : a.call > b.call
    }

    static func greater(_ a: Exemplar?, _ b: Exemplar?) -> Exemplar? {
        guard let a else { return b }
        guard let b else { return a }
        return max(a, b)
    }
}

/// How the numbers of one dimension are stored as integers: one histogram configuration for all.
package enum StoredUnit {
    /// Stored integers to one unit of `GateRule.Quantity` (a nanosecond, a dollar, one of a kind, …).
    package static func scale(_ dimension: MetricDescriptor.Dimension) -> Double {
        switch dimension {
        case .time, .bytes, .bitrate: 1
        case .money, .cores, .share: 1e9
        case .count: 1e6
        }
    }

    package static func stored(_ value: Double, _ dimension: MetricDescriptor.Dimension) -> Int64 {
        let scaled = (value * scale(dimension)).rounded()
        return scaled >= 9e18 ? .max : scaled <= -9e18 ? .min : Int64(scaled)
    }

    package static func value(_ stored: Double, _ dimension: MetricDescriptor.Dimension) -> Double {
        stored / scale(dimension)
    }
}
