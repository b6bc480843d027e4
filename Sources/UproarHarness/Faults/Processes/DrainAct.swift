import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// Asks a process to end, as a deploy does, and starts the next one when it has.
final class DrainAct: ProcessAct {
    private let plan: FaultPlan
    private let fault: DrainFault
    private let scene: ProcessScene
    private var grace = TimerID.none
    private var isOver = false
    private let restart: Restart

    init(_ plan: FaultPlan, _ fault: DrainFault, _ scene: ProcessScene) {
        self.plan = plan
        self.fault = fault
        self.scene = scene
        restart = Restart(plan, scene)
    }

    func begin() throws {
        let (name, hosted, identity) = try scene.target(plan)
        if fault.restart != nil { scene.processes.expectEnd(of: name) }
        // Sent from here and not by the guardian, so that "no longer pending" below means "taken".
        guard kill(identity.pid, SIGTERM) == 0 else {
            throw ProcessProblem("SIGTERM to \(name): \(Errno.words(for: errno))")
        }
        scene.look(
            for: .seconds(5), until: { !identity.isAlive || Self.hasTaken(identity.pid) },
            then: {
                [weak self] hasTaken in
                guard let self, hasTaken else { return }
                scene.tookEffect(plan)
            })
        grace = scene.loop.schedule(at: scene.loop.now + fault.grace) { [weak self] in
            if self != nil, identity.isAlive { hosted.send(.kill, tree: true) }
        }
        scene.look(
            for: fault.grace + .seconds(5),
            until: { [weak self] in
                self?.isOver ?? true || !identity.isAlive
            },
            then: { [weak self] isGone in
                guard let self, isGone, !isOver, !scene.isEnding, let delay = fault.restart else {
                    return
                }
                restart.begin(name, after: delay) {}
            })
    }

    /// Whether SIGTERM waits no longer: `ShdPnd` of /proc/PID/status, one bit for each signal.
    private static func hasTaken(_ pid: Int32) -> Bool {
        for line in (ProcFile.text("/proc/\(pid)/status") ?? "").split(separator: "\n")
        where line.hasPrefix("ShdPnd:") {
            let mask = UInt64(line.dropFirst(7).filter { !$0.isWhitespace }, radix: 16) ?? 0
            return mask & (1 << (UInt64(SIGTERM) - 1)) == 0
        }
        return false
    }

    /// The clear ends the wait for the grace's end, not the drain itself.
    func end(then: @escaping (String?) -> Void) {
        isOver = scene.isEnding
        if isOver { scene.loop.cancel(grace) }
        restart.end(then: then)
    }
}
