import UproarCore

/// The windows that the load alone decides. Times count from the first moment of the load; faults cut holes into `steady`
/// later.
package struct LoadWindows: Hashable, Sendable {
    /// Before `steady`.
    package var warmup: Range<Duration>
    /// From the end of the last ramp to the start of the drain.
    package var steady: Range<Duration>
    /// By the name of the load line.
    package var stages: [(name: String, window: Range<Duration>)]

    package static func == (a: LoadWindows, b: LoadWindows) -> Bool {
        a.warmup == b.warmup && a.steady == b.steady
            && a.stages.elementsEqual(b.stages) { $0.name == $1.name && $0.window == $1.window }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(steady) }

    /// Later than every turn of a run.
    package static let forever = Duration.seconds(1_000_000_000)

    /// The drain begins where the load ends, or before that where ramps down stand at its end. A load that takes no time (a
    /// lone `spike`) is steady from its start to the end of its calls.
    package init(_ plan: ArrivalPlan) {
        var lines = plan.lines[...]
        while lines.count > 1, let last = lines.last, last.shape.isRampDown { lines.removeLast() }
        let drain = plan.duration > .zero ? lines.last?.to ?? .zero : Self.forever
        let start = lines.last { $0.shape.isRamp }?.to ?? .zero
        warmup = .zero..<start
        steady = start..<max(start, drain)
        stages = plan.lines.map {
            ($0.name, $0.from..<($0.shape.duration > .zero ? $0.to : Self.forever))
        }
    }
}

extension ArrivalPlan {
    package var windows: LoadWindows { LoadWindows(self) }
}
