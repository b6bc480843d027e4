import Glibc
import UproarCore

/// A linear scale from values to coordinates with round ticks.
struct PlotScale {
    let low: Double
    let high: Double
    let from: Double
    let to: Double
    let step: Double

    /// Covers `low ... high` widened to round steps, about `ticks` of them.
    init(
        low: Double, high: Double, from: Double, to: Double, ticks: Int, leastStep: Double = 0
    ) {
        let span = max(high - low, 1e-9)
        step = max(leastStep, Self.step(span / Double(max(1, ticks)), nil))
        self.low = low >= 0 && low < step ? 0 : (low / step).rounded(.down) * step
        let top = (high / step).rounded(.up) * step
        self.high = top > self.low ? top : self.low + step
        self.from = from
        self.to = to
    }

    /// Exactly `low ... high`, with round ticks inside: for time.
    init(exactly low: Double, _ high: Double, from: Double, to: Double, ticks: Int, steps: [Double])
    {
        self.low = low
        self.high = max(high, low + 1e-9)
        self.from = from
        self.to = to
        step = Self.step((self.high - low) / Double(max(1, ticks)), steps)
    }

    private static func step(_ rough: Double, _ steps: [Double]?) -> Double {
        if let found = steps?.first(where: { $0 >= rough }) { return found }
        let base = pow(10, floor(log10(rough)))
        for factor in [1.0, 2, 2.5, 5, 10] where base * factor >= rough - 1e-12 {
            return base * factor
        }
        return base * 10
    }

    func callAsFunction(_ value: Double) -> Double {
        from + (value - low) / (high - low) * (to - from)
    }

    var ticks: [Double] {
        var result: [Double] = []
        var value = (low / step).rounded(.up) * step
        while value <= high + step * 1e-6, result.count < 40 {
            result.append(value)
            value += step
        }
        return result
    }

    /// Steps people read time in, in seconds.
    static let timeSteps: [Double] = [
        0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400,
        21600,
        43200, 86400,
    ]

    /// `0.5s`, `20s`, `1:30`, `1:02:00`.
    static func time(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        if seconds < 60 {
            return (abs(seconds - Double(whole)) < 0.02 ? "\(whole)" : NumberText.fixed(seconds, 1))
                + "s"
        }
        let rest = NumberText.padded(whole % 60, 2)
        if whole < 3600 { return "\(whole / 60):\(rest)" }
        return "\(whole / 3600):\(NumberText.padded(whole / 60 % 60, 2)):\(rest)"
    }

    /// A tick of a cost axis: `$0.30`, `$0.005`.
    static func dollars(_ value: Double) -> String {
        var text = NumberText.dollars(value)
        guard let point = text.firstIndex(of: ".") else { return text }
        while text.hasSuffix("0"), text.distance(from: point, to: text.endIndex) > 3 {
            text.removeLast()
        }
        return text
    }

    /// A tick of a latency axis.
    static func latency(_ nanoseconds: Double) -> String {
        nanoseconds == 0 ? "0" : GateRule.Quantity(nanoseconds, .time).text
    }
}
