import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// Faults on processes of the run: signals through the guardian, with the way back written down and flushed first.
///
/// A fault is effective when the kernel says so (/proc), not when the signal was asked for.
package final class ProcessCarrier: FaultCarrier {
    private let loop: EventLoop
    private let process: (String) -> (any HostedProcess)?
    private let state: (Fact) -> Void
    private let now: () -> Instant
    private var undo: UndoLog?
    private var stopped: [String: (process: any HostedProcess, records: [Int], tree: Bool)] = [:]
    /// What could not be undone.
    package private(set) var dirty: String?

    private static let lookEvery = Duration.milliseconds(5)
    private static let lookLimit = 400

    /// - undo: nil when no record can be written: then nothing is stopped.
    package init(
        loop: EventLoop, undo: consuming UndoLog?,
        process: @escaping (String) -> (any HostedProcess)?,
        state: @escaping (Fact) -> Void, now: @escaping () -> Instant
    ) {
        self.loop = loop
        self.undo = undo
        self.process = process
        self.state = state
        self.now = now
    }

    package func arm(_ plan: FaultPlan) -> String? {
        guard let fault = ProcessFault(plan) else { return "\(plan.fault) acts on no process" }
        guard let name = ProcessFault.target(of: plan) else {
            return "on: names one process: agent, redis or providers"
        }
        guard let hosted = process(name), let pid = hosted.pid else {
            return "this run has no process \(name)"
        }
        switch fault.kind {
        case .kill: hosted.send(.kill, tree: fault.tree)
        case .drain: hosted.send(.terminate, tree: false)
        case .pause:
            do {
                let records = try record(pid, tree: fault.tree)
                stopped[plan.id] = (hosted, records, fault.tree)
            } catch { return "the way back could not be written down: \(error)" }
            hosted.send(.stop, tree: fault.tree)
        }
        look(pid, fault.kind, plan, left: Self.lookLimit)
        return nil
    }

    package func clear(_ plan: FaultPlan) {
        guard let entry = stopped.removeValue(forKey: plan.id) else { return }
        entry.process.send(.resume, tree: entry.tree)
        heal(entry.process.pid ?? 0, entry.records, plan, left: Self.lookLimit)
    }

    /// One record for each process that will be stopped, each on the disk before.
    private func record(_ pid: Int32, tree: Bool) throws(Errno) -> [Int] {
        guard undo != nil else { throw Errno("undo records", ENOENT) }
        var records: [Int] = []
        for pid in tree ? [pid] + ProcessTable.read().descendants(of: pid).map(\.pid) : [pid] {
            guard let stat = ProcFile.bytes("/proc/\(pid)/stat").flatMap(ProcessStat.init) else {
                continue
            }
            let action = UndoAction.signal(
                pid: pid, startTicks: stat.startTicks, number: ProcessSignal.resume.rawValue)
            if let id = try undo?.record(action) { records.append(id) }
        }
        return records
    }

    private func look(_ pid: Int32, _ kind: ProcessFault.Kind, _ plan: FaultPlan, left: Int) {
        let stat = ProcFile.bytes("/proc/\(pid)/stat").flatMap(ProcessStat.init)
        let isEffective =
            switch kind {
            case .pause: stat?.state == "T"
            case .kill: stat == nil || stat?.isZombie == true
            // What it does with the signal is its own affair.
            case .drain: true
            }
        if isEffective {
            return state(Fact(.faultEffective, at: now(), detail: plan.number, origin: .nemesis))
        }
        guard left > 0 else { return }
        loop.schedule(at: loop.now + Self.lookEvery) { [weak self] in
            self?.look(pid, kind, plan, left: left - 1)
        }
    }

    /// The heal check: it runs again, or it is gone.
    private func heal(_ pid: Int32, _ records: [Int], _ plan: FaultPlan, left: Int) {
        let stat = ProcFile.bytes("/proc/\(pid)/stat").flatMap(ProcessStat.init)
        if stat?.state != "T" {
            for id in records { try? undo?.settle(id: id) }
            return
        }
        guard left > 0 else {
            dirty = "\(plan.id): process \(pid) does not go on"
            return
        }
        loop.schedule(at: loop.now + Self.lookEvery) { [weak self] in
            self?.heal(pid, records, plan, left: left - 1)
        }
    }
}
