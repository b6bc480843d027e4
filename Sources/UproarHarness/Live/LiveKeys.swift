import UproarCore
import UproarLoad
import UproarPosix
import UproarReports
import UproarRuntime
import UproarScenario
import UproarStatistics

/// What a person at the terminal does to a live run, a key each. Everything is said, written down, and makes the run one that no later run
/// is held against.
///
/// | key | |
/// |---|---|
/// | `+` `-` | arrivals to come are a quarter of the planned rate faster, slower |
/// | `p` | no call is begun; again: they go on |
/// | `f` | the next fault of the timeline begins now |
/// | `s` | the report as it stands, in a file of its own |
/// | `q` | no new calls, turns in progress end; again: hang up |
///
/// Lives on the control loop; callers have threads of their own, so no key can hold them up. Without a terminal there is none.
final class LiveKeys {
    static let step = 25
    static let fastest = 400

    /// The run as the keys see it.
    struct Reach {
        var now: () -> Instant
        var bend: (ArrivalPace) -> Void
        /// The id of the fault that begins, or nil.
        var injectNext: () -> String?
        /// The result as it is now.
        var stand: () -> RunResult
        var write: (_ name: String, _ text: String) -> Void
        /// Ends the load; answers what that does now.
        var drain: () -> String
        var say: (String) -> Void
    }

    private(set) var pace = ArrivalPace()
    private var resumed: Int?
    private var snapshots = 0
    private var keys: TerminalKeys?
    private let plan: RunPlan
    private let results: RunResults
    private let reach: Reach

    init(plan: RunPlan, results: RunResults, reach: Reach) {
        self.plan = plan
        self.results = results
        self.reach = reach
    }

    /// Listens to the terminal, when there is one.
    func listen(_ driver: PosixDriver) {
        keys = TerminalKeys(driver: driver) { [weak self] in self?.pressed($0) }
    }

    /// The terminal is as it was before.
    func close() {
        keys?.close()
        keys = nil
    }

    var isListening: Bool { keys != nil }

    /// When the load ends, by the clock: later or earlier than planned for calls that come singly. Nil while it stands still.
    var loadEnd: Duration? {
        let planned = plan.arrivals.duration
        guard !pace.isPlanned else { return planned }
        let bent = pace.clockTime(.zero + planned)
        guard let bent else { return nil }
        // Seats end when they were to, whatever the pace of arrivals.
        return plan.arrivals.spans.isEmpty ? bent - .zero : max(planned, bent - .zero)
    }

    func fill(_ snapshot: inout LiveSnapshot) {
        snapshot.rate = pace.isPlanned ? nil : pace.percent
        snapshot.planned = loadEnd
        snapshot.hasKeys = isListening
    }

    func pressed(_ key: UInt8) {
        switch key {
        case UInt8(ascii: "+"), UInt8(ascii: "="): turn(by: Self.step)
        case UInt8(ascii: "-"): turn(by: -Self.step)
        case UInt8(ascii: "p"): pause()
        case UInt8(ascii: "f"): inject()
        case UInt8(ascii: "s"): snapshot()
        case UInt8(ascii: "q"): did("q", reach.drain())
        default: break
        }
    }

    private func did(_ key: String, _ what: String) {
        let at = NumberText.duration(reach.now() - .zero)
        reach.say("\(key): \(what)")
        results.steered("at \(at): \(what)")
        results.evidence?.changed("by_hand", ["what": .string(what), "key": .string(key)])
    }

    /// Arrivals that pause go on with it.
    private func turn(by step: Int) {
        let percent = max(Self.step, min(Self.fastest, (resumed ?? pace.percent) + step))
        resumed = nil
        set(percent, key: step > 0 ? "+" : "-", "rate \(percent) % of the plan")
    }

    private func pause() {
        if let percent = resumed {
            resumed = nil
            set(percent, key: "p", "arrivals go on at \(percent) % of the plan")
        } else {
            resumed = pace.percent
            set(0, key: "p", "arrivals pause")
        }
    }

    private func set(_ percent: Int, key: String, _ what: String) {
        pace.set(percent, at: reach.now())
        reach.bend(pace)
        did(key, what)
    }

    private func inject() {
        guard let id = reach.injectNext() else {
            return reach.say("f: no fault of the timeline is still to come")
        }
        did("f", "fault \(id) before its time")
    }

    private func snapshot() {
        snapshots += 1
        let name = "snapshot-\(snapshots).html"
        did("s", "\(name) shows the run as it stands")
        reach.write(name, HTMLReport(reach.stand(), isLive: true).text)
    }
}

extension LiveKeys {
    /// Of a live run, listening to the terminal when there is one.
    convenience init(
        _ plan: RunPlan, _ results: RunResults, _ fleet: CallerFleet, _ sampler: Sampler,
        _ safety: LiveSafety?, _ folder: RunFolder, _ view: LiveView, _ driver: PosixDriver,
        _ loop: EventLoop, _ origin: Instant, drain: @escaping () -> String
    ) {
        let now = { Instant.zero + (loop.now - origin) }
        self.init(
            plan: plan, results: results,
            reach: .init(
                now: now, bend: { fleet.bend($0) },
                injectNext: { [weak safety] in safety?.faults.injectNext() },
                stand: {
                    results.checkpoint(sampler: sampler, now: now())
                    return results.judgedSoFar()
                }, write: { folder.write($1, to: $0) }, drain: drain, say: { view.say($0) }))
        listen(driver)
    }
}
