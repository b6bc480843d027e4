import UproarCore
import UproarFaults
import UproarLoad
import UproarPosix
import UproarRuntime
import UproarTransports

/// The caller loops of a live run: one thread each, calls spread by id. Everything here is called on the control loop; what
/// happens on a caller loop goes through its mailbox.
package final class CallerFleet {
    /// Lives on its own loop; the control loop only hands it work.
    private final class Member: @unchecked Sendable {
        let thread: LoopThread
        let loop: EventLoop
        let network: PosixNetwork
        // Touched on `loop` only.
        var side: CallerSide?
        var tapes: TapeFeed?
        var lastCounts = CallDriver.Counts()

        init(thread: LoopThread, loop: EventLoop, network: PosixNetwork) {
            self.thread = thread
            self.loop = loop
            self.network = network
        }
    }

    /// What one loop tells, ten times a second.
    package struct Report: Sendable {
        package var facts: [Fact] = []
        package var losses: [CallLoss] = []
        package var counts = CallDriver.Counts()
        package var pacing = PacingCount()
        package var lag = LoopLag()
        package var factsDropped = 0
        package var isDone = false
        package init() {}
    }

    private let control: EventLoop
    private var members: [Member] = []
    private let clock: RunClock
    /// Takes each report, on the control loop, with the number of the loop it is from.
    package var onReport: ((Int, Report) -> Void)?

    package static let reportEvery = Duration.milliseconds(100)

    /// - clock: zero is the first due arrival.
    package init(control: EventLoop, clock: RunClock, count: Int) throws(Errno) {
        self.control = control
        self.clock = clock
        for index in 0..<count {
            let driver = try PosixDriver(clock: clock)
            let loop = EventLoop(driver: driver)
            let network = PosixNetwork(loop: loop, driver: driver)
            loop.submit { ThreadPriority.raise() }
            let thread = try LoopThread(name: "callers-\(index)", loop: loop)
            members.append(Member(thread: thread, loop: loop, network: network))
        }
    }

    /// - tapes: where every call's audio goes.
    /// - transport: makes the transport of a name for one loop from its network.
    package func start(
        plan: RunPlan, lines: [RunLine], dialLimit: Int?, tapes: TapeShelf? = nil,
        transport: @escaping @Sendable (PosixNetwork, String) -> any CallTransport
    ) {
        let count = members.count
        let spool = tapes.map { (path: $0.spoolPath, ledger: $0.ledger) }
        for (index, member) in members.enumerated() {
            let report = reporter(index)
            member.loop.submit {
                let side = CallerSide(
                    loop: member.loop, plan: plan, lines: lines,
                    transport: { transport(member.network, $0) },
                    loopIndex: index, loopCount: count, dialLimit: dialLimit)
                member.side = side
                member.tapes = spool.flatMap { Self.feed($0.path, $0.ledger, member.loop) }
                side.driver.start(tapes: member.tapes) {}
                Self.tick(member, report)
            }
        }
    }

    /// Nil where there is no thread for it: then there are no tapes, and a run all the same.
    private static func feed(_ path: String, _ ledger: TapeLedger, _ loop: EventLoop) -> TapeFeed? {
        guard let worker = try? BackgroundThread(name: "tapes", loop: loop),
            let spool = try? FolderSpool(folder: path, worker: worker)
        else { return nil }
        return TapeFeed(spool, ledger, worker: worker)
    }

    private func reporter(_ index: Int) -> @Sendable (Report) -> Void {
        let box = UnsafeControlReference(self)
        let control = control
        return { report in control.submit { box.fleet?.onReport?(index, report) } }
    }

    private static func tick(_ member: Member, _ report: @escaping @Sendable (Report) -> Void) {
        guard let side = member.side else { return }
        report(take(member, side))
        member.loop.schedule(at: member.loop.now + reportEvery) { tick(member, report) }
    }

    private static func take(_ member: Member, _ side: CallerSide) -> Report {
        var report = Report()
        report.facts = side.facts.drain()
        report.losses = side.driver.drainLosses()
        report.counts = side.driver.counts
        report.pacing = side.engine.drainPacing()
        report.lag = member.loop.takeLag()
        report.factsDropped = side.facts.droppedCount
        report.isDone = side.driver.isDone
        return report
    }

    package func drain() { each { $0.driver.drain() } }
    package func hangUpAll() { each { $0.driver.hangUpAll() } }

    /// Arrivals still to come do so at this pace. - pace: by the clock whose zero is the first due arrival.
    package func bend(_ pace: ArrivalPace) { each { $0.driver.bend(pace) } }

    /// Arms or clears a media fault on every loop.
    package func spoil(_ plan: FaultPlan, arms: Bool) {
        each { $0.spoil(plan, arms: arms) }
    }

    /// `then` on the control loop once every tape is on disk as far as it goes.
    package func flushTapes(_ then: @escaping () -> Void) {
        let box = UnsafeCountdown(Countdown(members.count, then))
        let control = control
        for member in members {
            member.loop.submit {
                let isDone = { control.submit { box.countdown.step() } }
                guard let tapes = member.tapes else { return isDone() }
                tapes.flush(then: isDone)
            }
        }
    }

    /// Ends the threads. Nothing is reported afterwards.
    package func stop() {
        for member in members { member.thread.stop() }
        members.removeAll()
    }

    private func each(_ body: @escaping @Sendable (CallerSide) -> Void) {
        for member in members {
            member.loop.submit { if let side = member.side { body(side) } }
        }
    }
}

/// Control-loop objects that travel through a caller loop's closures untouched and are opened on the control loop again.
private struct UnsafeControlReference: @unchecked Sendable {
    weak var fleet: CallerFleet?
    init(_ fleet: CallerFleet) { self.fleet = fleet }
}

private struct UnsafeCountdown: @unchecked Sendable {
    let countdown: Countdown
    init(_ countdown: Countdown) { self.countdown = countdown }
}

/// Calls `then` at the last of so many steps; at once when there is none to come.
private final class Countdown {
    private var left: Int
    private let then: () -> Void

    init(_ count: Int, _ then: @escaping () -> Void) {
        left = count
        self.then = then
        if count == 0 { then() }
    }

    func step() {
        left -= 1
        if left == 0 { then() }
    }
}
