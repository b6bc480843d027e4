import Glibc
import UproarCore

/// `ramp: 1/s -> 10/s over 30s`: single calls at a rate that goes in a straight line.
package struct RateRampShape: Hashable, Sendable {
    package var from: Rate
    package var to: Rate
    package var over: Duration

    package init(from: Rate, to: Rate, over: Duration) {
        self.from = from
        self.to = to
        self.over = over
    }

    package var expectedCount: Int {
        Int(((from.perSecond + to.perSecond) / 2 * over.inSeconds).rounded())
    }

    /// The intended starts: call *k* begins when the area under the rate reaches *k*, computed for each alone.
    ///
    /// The area until t is a·t + (b − a)·t²/2D; solved for t in the form that does not cancel when a and b are near.
    package func starts() -> [Duration] {
        let (a, b) = (from.perSecond, to.perSecond)
        let slope = (b - a) / over.inSeconds
        return (0..<expectedCount).compactMap { index in
            let area = Double(index)
            let root = a * a + 2 * slope * area
            guard root >= 0 else { return nil }
            let divisor = a + sqrt(root)
            let time = index == 0 ? 0 : 2 * area / divisor
            let start = Duration.nanoseconds(Int64(time * 1e9))
            return start < over ? start : nil
        }
    }
}
