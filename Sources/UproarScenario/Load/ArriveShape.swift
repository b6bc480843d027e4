import Glibc
import UproarCore

/// `arrive: 10/s poisson for 60s`: single calls at a rate, each a new caller.
package struct ArriveShape: Hashable, Sendable {
    package var rate: Rate
    package var process: Process
    package var duration: Duration

    package init(rate: Rate, process: Process, duration: Duration) {
        self.rate = rate
        self.process = process
        self.duration = duration
    }

    package enum Process: Hashable, Sendable {
        /// Equal gaps.
        case constant
        /// A Poisson process conditioned on its count: the same number of calls for every seed, at uniform random times.
        case poisson
        /// A free Poisson process: exponential gaps, the count varies with the seed.
        case poissonFree
        /// Gamma-distributed gaps of this shape (as `--burstiness` of vLLM's benchmark): 1 is Poisson, below 1 is burstier, above
        /// 1 is more regular; the coefficient of variation of the gaps is 1/√shape. Conditioned on its count like `poisson`.
        case gamma(Decimal)

        package var text: String {
            switch self {
            case .constant: "constant"
            case .poisson: "poisson"
            case .poissonFree: "poisson-free"
            case .gamma(let shape): "gamma(\(NumberText.fixed(shape.value, shape.places)))"
            }
        }
    }

    /// How many calls the line makes: rate × duration, rounded; for `poisson-free` the mean of it.
    package var expectedCount: Int {
        Int((rate.count.value * duration.inSeconds * 1e9 / Double(rate.unit.nanoseconds)).rounded())
    }

    /// The intended starts, in order, counted from the start of the line and below its duration.
    package func starts(_ random: inout RandomStream) -> [Duration] {
        let total = duration.nanoseconds
        switch process {
        case .constant:
            // Each start is computed from its index: no error adds up.
            return (0..<expectedCount).compactMap { index in
                Decimal(digits: Int64(index), places: 0).divided(by: rate).flatMap {
                    $0 < duration ? $0 : nil
                }
            }
        case .poisson:
            let starts = (0..<expectedCount).map { _ in Int64(random.unit() * Double(total)) }
            return starts.sorted().map { .nanoseconds($0) }
        case .poissonFree:
            var starts: [Duration] = []
            let mean = 1e9 / rate.perSecond
            var place = -log(1 - random.unit()) * mean
            while place < Double(total), starts.count < TurnReference.callLimit {
                starts.append(.nanoseconds(Int64(place)))
                place += -log(1 - random.unit()) * mean
            }
            return starts
        case .gamma(let shape):
            var place = 0.0
            var places: [Double] = []
            for _ in 0...expectedCount {
                place += random.gamma(shape: shape.value)
                places.append(place)
            }
            // The last gap leads to the end of the line, so that the scaled gaps keep their distribution.
            guard let last = places.popLast(), last > 0 else { return [] }
            return places.map { .nanoseconds(min(total - 1, Int64($0 / last * Double(total)))) }
        }
    }
}

extension Decimal {
    /// This count of calls at `rate`: when the call with this index begins.
    fileprivate func divided(by rate: Rate) -> Duration? {
        // index × unit × 10^places / digits
        var scale: Int64 = 1
        for _ in 0..<rate.count.places { scale *= 10 }
        let (unit, overflow) = rate.unit.nanoseconds.multipliedReportingOverflow(by: scale)
        guard !overflow else { return nil }
        let (high, low) = digits.multipliedFullWidth(by: unit)
        guard high < rate.count.digits else { return nil }
        let (quotient, _) = UInt64(rate.count.digits).dividingFullWidth((UInt64(high), low))
        return quotient > UInt64(Int64.max) ? nil : .nanoseconds(Int64(quotient))
    }
}

extension RandomStream {
    /// A gamma draw with scale 1 (G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", 2000).
    mutating func gamma(shape: Double) -> Double {
        precondition(shape > 0, "a gamma distribution needs a shape above 0")
        if shape < 1 { return gamma(shape: shape + 1) * pow(1 - unit(), 1 / shape) }
        let d = shape - 1.0 / 3
        let c = 1 / sqrt(9 * d)
        while true {
            let x = gaussian()
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            guard v > 0 else { continue }
            if log(1 - unit()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
        }
    }
}
