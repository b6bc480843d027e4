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

/// `ramp: 0 -> 200 callers over 10s`: the level goes in a straight line, one caller at a time.
package struct CallerRampShape: Hashable, Sendable {
    package var from: Int
    package var to: Int
    package var over: Duration

    package init(from: Int, to: Int, over: Duration) {
        self.from = from
        self.to = to
        self.over = over
    }

    /// The times of the changes from the start of the line, `abs(to - from)` of them: the k-th caller (from 0) comes, or
    /// goes, at k/n of the line.
    package func change(_ index: Int) -> Duration {
        .nanoseconds(scaled(over.nanoseconds, index, abs(to - from)))
    }
}

/// `hold: 200 callers for 60s`.
package struct HoldShape: Hashable, Sendable {
    package var callers: Int
    package var duration: Duration

    package init(callers: Int, duration: Duration) {
        self.callers = callers
        self.duration = duration
    }
}

/// `steps: 50 -> 200 callers by 50 every 30s`: each level is held for `every`, the last one too.
package struct StepsShape: Hashable, Sendable {
    package var from: Int
    package var to: Int
    package var step: Int
    package var every: Duration

    package init(from: Int, to: Int, step: Int, every: Duration) {
        precondition(step > 0)
        self.from = from
        self.to = to
        self.step = step
        self.every = every
    }

    /// The last one is `to`, also when the steps do not fit it.
    package var levels: [Int] {
        Array(stride(from: from, to: to, by: to < from ? -step : step)) + [to]
    }

    package var duration: Duration { every * levels.count }
}

/// `spike: 100 callers at once`: single calls, on top of whoever is there, in no time.
package struct SpikeShape: Hashable, Sendable {
    package var calls: Int
    package init(calls: Int) { self.calls = calls }
}

/// `total × index / count` without overflow, rounded down. 0 when `count` is 0.
func scaled(_ total: Int64, _ index: Int, _ count: Int) -> Int64 {
    guard count > 0 else { return 0 }
    let (high, low) = total.multipliedFullWidth(by: Int64(index))
    return Int64(count).dividingFullWidth((high, low)).quotient
}
