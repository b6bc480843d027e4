import CUproarShims
import Glibc
import UproarCore
import UproarRuntime

/// The first child of a run: starts every other child, and ends them all when the run is gone, however it went.
///
/// ```
///   run ══ socketpair (SOCK_SEQPACKET) ══ guardian (own session, child subreaper)
///              requests →                    ├─ providers
///              ← replies                     ├─ agent ── its workers
///   the run's end closes: TERM, 1 s, KILL    └─ whatever they left behind
/// ```
///
/// It has one thread and blocks in `poll`: no loop, no Swift concurrency. `uproar guardian` is its whole process.
package struct Guardian {
    /// Names the socket in its environment. Absent: nobody started it as it must be.
    package static let socketVariable = "UPROAR_GUARDIAN_FD"
    /// Between SIGTERM and SIGKILL.
    static let grace = Duration.milliseconds(1000)
    /// Until it gives up on what does not die. With the undo records this keeps the end under 3 s.
    static let limit = Duration.milliseconds(2600)

    private let socket: Int32
    private let childEnded: Int32
    /// A run that is killed leaves the terminal as its keys had it.
    private let terminal = TerminalMode(of: STDERR_FILENO)
    private var environment: [String]
    /// Ids of the children that live, by pid.
    private var children: [Int32: Int] = [:]
    /// What children write whose output is bounded, by pid; those of the dead stay until their own children are gone.
    private var outputs: [(pid: Int32, keeper: OutputKeeper)] = []
    private var undoFile: String?
    /// When the run's lease is over, CLOCK_MONOTONIC nanoseconds; nil while it has asked for none.
    private var leaseEnd: Int64?
    private var haltFile: String?
    /// What was undone before the run's end was undone once; a new lease arms it again.
    private var hasSettledEarly = false
    /// Between two looks at lease and halt lever.
    private static let lookEvery: Int32 = 250
    private var buffer = [UInt8](repeating: 0, count: GuardianRequest.byteLimit)

    /// Its exit codes: all well; a process was left behind; a fault could not be undone; not started by a run.
    package static let clean: Int32 = 0
    package static let processLeft: Int32 = 1
    package static let notUndone: Int32 = 7
    package static let notARun: Int32 = 2

    /// Runs the guardian's whole life in this process and answers its exit code.
    package static func run() -> Int32 {
        guard let text = getenv(socketVariable).map({ String(cString: $0) }),
            let socket = Int32(text), fcntl(socket, F_SETFD, FD_CLOEXEC) == 0
        else {
            complain("guardian: started by `uproar run`, not by hand")
            return notARun
        }
        unsetenv(socketVariable)
        uproar_block_all_signals()
        let signals = [SIGCHLD]
        let childEnded = uproar_signal_descriptor(signals, Int32(signals.count), 0)
        guard childEnded >= 0, uproar_become_subreaper() == 0 else {
            complain("guardian: \(Errno.words(for: errno))")
            return notARun
        }
        var guardian = Guardian(socket: socket, childEnded: childEnded)
        guardian.serve()
        return guardian.end()
    }

    private init(socket: Int32, childEnded: Int32) {
        self.socket = socket
        self.childEnded = childEnded
        environment = Self.ownEnvironment()
    }

    /// Until the run's end of the pair is closed.
    private mutating func serve() {
        while true {
            var watched = [
                pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
                pollfd(fd: childEnded, events: Int16(POLLIN), revents: 0),
            ]
            watched += outputs.map {
                pollfd(fd: $0.keeper.reading, events: Int16(POLLIN), revents: 0)
            }
            let wait: Int32 = undoFile == nil || leaseEnd == nil ? -1 : Self.lookEvery
            let ready = poll(&watched, UInt(watched.count), wait)
            watchLease()
            if ready <= 0 { continue }
            for (index, output) in outputs.enumerated() where watched[2 + index].revents != 0 {
                output.keeper.take()
            }
            outputs.removeAll { !$0.keeper.isOpen && children[$0.pid] == nil }
            // A hang-up goes before what the run had still asked for: it is dead, so start nothing more.
            if watched[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 { return }
            if watched[1].revents != 0 { reap() }
            if watched[0].revents & Int16(POLLIN) != 0, !receive() { return }
        }
    }

    private mutating func receive() -> Bool {
        var descriptors = [Int32](repeating: -1, count: Int(UPROAR_MESSAGE_DESCRIPTORS))
        var descriptorCount = UPROAR_MESSAGE_DESCRIPTORS
        let count = uproar_receive_message(
            socket, &buffer, buffer.count, &descriptors, &descriptorCount, 0)
        if count < 0 { return errno == EINTR || errno == EAGAIN }
        if count == 0 { return false }
        descriptors.removeLast(descriptors.count - Int(descriptorCount))
        defer { for descriptor in descriptors { close(descriptor) } }
        switch GuardianRequest(Array(buffer[..<count])) {
        case .start(let id, let command): start(id, command, passing: descriptors)
        case .signal(let id, let signal, let tree): send(signal, to: id, tree: tree)
        case .undoFile(let path): undoFile = path
        case .lease(let time, let haltFile):
            leaseEnd = monotonicNanoseconds() + time.nanoseconds
            self.haltFile = haltFile
        case nil: Self.complain("guardian: a request that is none")
        }
        return true
    }

    private mutating func start(_ id: Int, _ command: ProcessCommand, passing: [Int32]) {
        do throws(Errno) {
            var output = try Self.openOutput(command.outputFile)
            defer { if output >= 0 { close(output) } }
            var keeper: OutputKeeper?
            if let limit = command.outputLimit, output >= 0 {
                let file = output
                output = -1
                keeper = try OutputKeeper(file: file, limit: limit, writing: &output)
            }
            let variables =
                environment.filter { entry in
                    !command.withheld.contains { entry.hasPrefix("\($0)=") }
                } + command.environment.map { "\($0.name)=\($0.value)" }
            let pid = try Self.spawn(
                command, environment: Self.deduplicated(variables), output: output,
                passing: passing)
            children[pid] = id
            if let keeper { outputs.append((pid, keeper)) }
            reply(.started(id: id, pid: pid))
        } catch {
            reply(.exited(id: id, .notStarted(step: error.call, errno: error.code)))
        }
    }

    private func send(_ signal: ProcessSignal, to id: Int, tree: Bool) {
        // Not reaped yet, so the pid is still this child's.
        guard let pid = children.first(where: { $0.value == id })?.key else { return }
        if tree {
            ProcessTree.send(signal, to: pid)
        } else {
            _ = kill(pid, signal.rawValue)
        }
        reply(.signalled(id: id, signal, monotonic: monotonicNanoseconds()))
    }

    /// The run stands still, or everything was halted: its faults are undone now, and its processes go on. It is told, and finds out
    /// by itself when it cannot be.
    private mutating func watchLease() {
        guard let undoFile, let leaseEnd else { return }
        let isExpired = monotonicNanoseconds() >= leaseEnd
        let isHalted = haltFile.map { access($0, F_OK) == 0 } ?? false
        guard isExpired || isHalted else {
            hasSettledEarly = false
            return
        }
        guard !hasSettledEarly else { return }
        hasSettledEarly = true
        let count = UndoLog.outstanding(in: undoFile).count
        let failures = UndoLog.settle(undoFile, removing: false)
        guard count > 0 else { return }
        for failure in failures { Self.complain("guardian: could not undo: \(failure)") }
        // The run does not read while it stands still: what does not fit the socket is not waited for.
        let bytes = GuardianReply.undone(
            count: count - failures.count, isHalted: isHalted,
            failures: failures.prefix(4).map { String($0.prefix(400)) }
        ).encoded()
        _ = uproar_send_message(socket, bytes, bytes.count, nil, 0, Int32(MSG_DONTWAIT))
    }

    private mutating func reap() {
        var drained = [UInt8](repeating: 0, count: 1024)
        while read(childEnded, &drained, drained.count) > 0 {}
        _ = ProcessTree.reapAll { tellEnd(of: $0, $1, $2) }
    }

    private mutating func tellEnd(of pid: Int32, _ status: Int32, _ use: ProcessorUse) {
        // Unknown pids are orphans that came to us, and children whose exec failed.
        guard let id = children.removeValue(forKey: pid) else { return }
        outputs.first { $0.pid == pid }?.keeper.finish()
        reply(.used(id: id, use))
        reply(.exited(id: id, ProcessTree.exit(ofStatus: status)))
    }

    private mutating func end() -> Int32 {
        terminal?.restore()
        let isEmpty = ProcessTree.endAllDescendants(
            grace: Self.grace, limit: Self.limit, reaped: { tellEnd(of: $0, $1, $2) },
            // A child whose pipe is full could not end.
            meanwhile: { for output in outputs { output.keeper.take() } })
        outputs = []
        if !isEmpty { Self.complain("guardian: a process did not end on SIGKILL") }
        let failures = undoFile.map { UndoLog.settle($0) } ?? []
        for failure in failures { Self.complain("guardian: could not undo: \(failure)") }
        return failures.isEmpty ? (isEmpty ? Self.clean : Self.processLeft) : Self.notUndone
    }

    /// Blocks while the run is slow to read; when the run is gone there is nobody to tell.
    private func reply(_ reply: GuardianReply) {
        let bytes = reply.encoded()
        while uproar_send_message(socket, bytes, bytes.count, nil, 0, 0) < 0, errno == EINTR {}
    }
}
