import UproarCore

/// How callers come during one load line. Closed shapes say how many callers there are at a time (a caller whose call ends
/// dials again); open shapes say when single calls begin, whatever happened to the earlier ones.
package enum LoadShape: Hashable, Sendable {
    case callerRamp(CallerRampShape)
    case hold(HoldShape)
    case steps(StepsShape)
    case arrive(ArriveShape)
    case rateRamp(RateRampShape)
    case spike(SpikeShape)
    case replay(ReplayShape)

    /// The keys of load lines, in the order of the documentation.
    package static let keys = ["ramp", "hold", "arrive", "steps", "spike", "replay"]

    package var key: String {
        switch self {
        case .callerRamp, .rateRamp: "ramp"
        case .hold: "hold"
        case .steps: "steps"
        case .arrive: "arrive"
        case .spike: "spike"
        case .replay: "replay"
        }
    }

    package var duration: Duration {
        switch self {
        case .callerRamp(let shape): shape.over
        case .hold(let shape): shape.duration
        case .steps(let shape): shape.duration
        case .arrive(let shape): shape.duration
        case .rateRamp(let shape): shape.over
        case .spike: .zero
        case .replay(let shape): shape.duration
        }
    }

    /// A line during which the load changes: `steady` begins after the last of them.
    package var isRamp: Bool {
        switch self {
        case .callerRamp, .rateRamp, .steps: true
        case .hold, .arrive, .spike, .replay: false
        }
    }

    /// A ramp that ends lower than it began: at the end of a load it belongs to the drain.
    package var isRampDown: Bool {
        switch self {
        case .callerRamp(let shape): shape.to < shape.from
        case .rateRamp(let shape): shape.to.perSecond < shape.from.perSecond
        case .steps(let shape): shape.to < shape.from
        case .hold, .arrive, .spike, .replay: false
        }
    }

    /// The line as it reads back: `hold: 200 callers for 60s` without the key.
    package var text: String {
        func time(_ value: Duration) -> String { DurationText.exact(value) }
        return switch self {
        case .callerRamp(let shape): "\(shape.from) -> \(shape.to) callers over \(time(shape.over))"
        case .hold(let shape): "\(shape.callers) callers for \(time(shape.duration))"
        case .steps(let shape):
            "\(shape.from) -> \(shape.to) callers by \(shape.step) every \(time(shape.every))"
        case .arrive(let shape):
            "\(shape.rate.text) \(shape.process.text) for \(time(shape.duration))"
        case .rateRamp(let shape): "\(shape.from.text) -> \(shape.to.text) over \(time(shape.over))"
        case .spike(let shape): "\(shape.calls) callers at once"
        case .replay(let shape): "\(shape.file) \(shape.speedText)"
        }
    }
}
