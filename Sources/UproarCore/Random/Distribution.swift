import Glibc

/// How long something takes (or how fast it goes): what `latency:`, `first_token:`, `pause:` and the like hold.
///
/// Drawn values are never negative. The unit is the key's own (a `Duration` for latencies).
package enum Distribution: Hashable, Sendable {
    case constant(Duration)
    case uniform(Duration, Duration)
    case normal(mean: Duration, deviation: Duration)
    /// By its median and the standard deviation of its logarithm.
    case lognormal(median: Duration, sigma: Double)
    /// Never below `minimum`, with a heavy tail: P(X > x) = (minimum / x)^alpha. Draws are cut off at one hour.
    case pareto(minimum: Duration, alpha: Double)
    /// A sorted list of measured values; a draw interpolates between neighbours.
    case empirical([Duration])

    /// A lognormal distribution with this median and this 95th percentile. `p95` must not be below `p50`.
    package static func lognormal(p50: Duration, p95: Duration) -> Distribution {
        precondition(p50 > .zero && p95 >= p50, "lognormal needs 0 < p50 <= p95")
        let z95 = 1.6448536269514722
        return .lognormal(
            median: p50, sigma: log(Double(p95.nanoseconds) / Double(p50.nanoseconds)) / z95)
    }

    package func draw(_ random: inout RandomStream) -> Duration {
        switch self {
        case .constant(let value): return value
        case .uniform(let low, let high):
            let span = high.nanoseconds - low.nanoseconds
            return low + .nanoseconds(Int64(Double(span) * random.unit()))
        case .normal(let mean, let deviation):
            let value = Double(mean.nanoseconds) + Double(deviation.nanoseconds) * random.gaussian()
            return .nanoseconds(Int64(max(0, value)))
        case .lognormal(let median, let sigma):
            let value = Double(median.nanoseconds) * exp(sigma * random.gaussian())
            return .nanoseconds(Int64(min(value, 3.6e12)))
        case .pareto(let minimum, let alpha):
            return Self.pareto(minimum, alpha, 1 - random.unit())
        case .empirical(let values):
            guard let last = values.last else { return .zero }
            let place = random.unit() * Double(values.count - 1)
            let index = Int(place)
            guard index + 1 < values.count else { return last }
            let low = values[index].nanoseconds
            let high = values[index + 1].nanoseconds
            return .nanoseconds(low + Int64(Double(high - low) * (place - Double(index))))
        }
    }

    /// The value that a pareto draw exceeds with probability `tail` in 0...1.
    private static func pareto(_ minimum: Duration, _ alpha: Double, _ tail: Double) -> Duration {
        let value = Double(minimum.nanoseconds) * pow(tail, -1 / alpha)
        return .nanoseconds(Int64(min(value, 3.6e12)))
    }

    /// The quantile `q` in 0...1, exact where the distribution has a closed form.
    package func quantile(_ q: Double) -> Duration {
        switch self {
        case .constant(let value): return value
        case .uniform(let low, let high):
            return low + .nanoseconds(Int64(Double(high.nanoseconds - low.nanoseconds) * q))
        case .normal(let mean, let deviation):
            let value = Double(mean.nanoseconds) + Double(deviation.nanoseconds) * normalQuantile(q)
            return .nanoseconds(Int64(max(0, value)))
        case .lognormal(let median, let sigma):
            return .nanoseconds(Int64(Double(median.nanoseconds) * exp(sigma * normalQuantile(q))))
        case .pareto(let minimum, let alpha): return Self.pareto(minimum, alpha, 1 - q)
        case .empirical(let values):
            guard !values.isEmpty else { return .zero }
            return values[min(values.count - 1, Int(q * Double(values.count)))]
        }
    }
}

extension RandomStream {
    /// A standard normal draw (Box–Muller, one of the pair).
    package mutating func gaussian() -> Double {
        let radius = sqrt(-2 * log(1 - unit()))
        return radius * cos(2 * Double.pi * unit())
    }
}

/// The quantile function of the standard normal distribution (Acklam's rational approximation, relative error < 1.2e-9).
package func normalQuantile(_ p: Double) -> Double {
    precondition(p > 0 && p < 1, "a quantile lies strictly between 0 and 1")
    let a = [
        -3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
        1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00,
    ]
    let b = [
        -5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
        6.680131188771972e+01, -1.328068155288572e+01,
    ]
    let c = [
        -7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
        -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00,
    ]
    let d = [
        7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
        3.754408661907416e+00,
    ]
    if p < 0.02425 || p > 1 - 0.02425 {
        let q = sqrt(-2 * log(p < 0.5 ? p : 1 - p))
        let numerator = ((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]
        let denominator = (((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1
        return p < 0.5 ? numerator / denominator : -numerator / denominator
    }
    let q = p - 0.5
    let r = q * q
    let numerator = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q
    let denominator = ((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1
    return numerator / denominator
}
