import Glibc
import UproarCore
import UproarRuntime

/// Starts and ends the run's processes through the guardian. Belongs to one loop.
///
/// Its death is enough: the guardian ends every process when the link closes.
package final class PosixProcessHost: ProcessHost {
    private let network: PosixNetwork
    private var loop: EventLoop { network.loop }
    private var driver: PosixDriver { network.driver }
    private var link: GuardianLink?
    private var watch: WatchID?
    private var processes = OrderedTable<Int, GuardedProcess>()
    private var lastID = 0
    private var outbox: [Letter] = []
    private var state = State.serving
    private var onEnd: ((Bool) -> Void)?

    /// Called once on the loop when the guardian died before its time: by now no process is left, and the run must stop.
    package var onGuardianLost: (() -> Void)?

    /// The guardian has undone what faults had changed before the run did: because of the halt lever, or because the run stood still
    /// for longer than its lease. How many changes, and what could not be undone.
    package var onUndone: ((Int, Bool, [String]) -> Void)?

    /// A process has ended: what it used in its life, and its children that it waited for.
    package var onUsed: ((Int32, ProcessorUse) -> Void)?

    private enum State { case serving, ending, over }

    /// A request on its way, with the descriptors that travel with it; closed once they have.
    private struct Letter {
        var request: GuardianRequest
        var passing: [Int32]
        func close() { for descriptor in passing { Glibc.close(descriptor) } }
    }

    /// More than so many requests never wait: the guardian reads at once or is as good as dead.
    private static let outboxLimit = 256

    /// Starts the guardian: `program` with the one argument `guardian`.
    package init(network: PosixNetwork, program: String = ownExecutable()) throws(Errno) {
        self.network = network
        let link = try GuardianLink(program: program)
        let descriptor = link.descriptor
        self.link = consume link
        watch = try network.driver.watch(
            descriptor, for: .readable, handler: LinkEvents(host: self))
    }

    deinit {
        if let watch { driver.unwatch(watch) }
    }

    /// The guardian's pid, for reports; nil once it is gone.
    package var guardianPID: Int32? {
        switch link {
        case .some(let link): link.pid
        case .none: nil
        }
    }

    package func start(_ command: ProcessCommand, handler: any HostedProcessHandler)
        -> any HostedProcess
    {
        lastID += 1
        let process = GuardedProcess(id: lastID, name: command.name, host: self, handler: handler)
        processes[lastID] = process
        var command = command
        var passing: [Int32] = []
        if command.wantsControl {
            do throws(Errno) {
                let pair = try DescriptorPair(.stream)
                let (ours, theirs) = pair.release()
                passing = [theirs]
                process.control = try adopt(Descriptor(owning: ours))
                // What travels with the message becomes 3, 4, … (`uproar_spawn`).
                command.environment.append(EnvironmentEntry(ControlSocket.variable, "3"))
            } catch {
                refuse(
                    Letter(request: .start(id: lastID, command), passing: passing),
                    step: error.call, errno: error.code)
                return process
            }
        }
        send(Letter(request: .start(id: lastID, command), passing: passing))
        return process
    }

    private func adopt(_ descriptor: consuming Descriptor) throws(Errno) -> any ByteStream {
        do throws(NetworkError) {
            return try network.adopt(descriptor, handler: UnclaimedStream())
        } catch { throw Errno("control socket", error.errno) }
    }

    /// Names the file of undo records that the guardian settles at the end, whatever end that is.
    package func settleAtEnd(undoFile path: String) {
        send(Letter(request: .undoFile(path), passing: []))
    }

    /// Says that the run lives; due again before `UndoLog.lease` is over.
    package func renewLease(
        for time: Duration = UndoLog.lease, haltFile: String = StateFolder.halt
    ) {
        guard state == .serving else { return }
        send(Letter(request: .lease(time, haltFile: haltFile), passing: []))
    }

    /// Ends every process (SIGTERM, 1 s, SIGKILL) and the guardian; `onEnd` hears whether all went and all was undone.
    /// Ends of processes are still told. May be called once.
    package func shutDown(onEnd: @escaping (Bool) -> Void) {
        precondition(state != .ending, "shut down twice")
        guard state == .serving else {
            loop.schedule(at: loop.now) { onEnd(false) }
            return
        }
        state = .ending
        self.onEnd = onEnd
        flush()
        link?.closeWriting()
    }

    fileprivate func send(_ signal: ProcessSignal, tree: Bool, to id: Int) {
        guard processes[id] != nil else { return }
        send(Letter(request: .signal(id: id, signal, tree: tree), passing: []))
    }

    private func send(_ letter: Letter) {
        guard state == .serving, outbox.count < Self.outboxLimit else {
            return refuse(letter, step: "guardian", errno: state == .serving ? EAGAIN : EPIPE)
        }
        outbox.append(letter)
        flush()
    }

    private func flush() {
        while let letter = outbox.first {
            do throws(Errno) {
                guard try link?.send(letter.request, passing: letter.passing) == true else { break }
                letter.close()
            } catch {
                // EPIPE is told by the end of the link as well; the process hears of it once, here or there.
                refuse(letter, step: error.call, errno: error.code)
            }
            outbox.removeFirst()
        }
        if let watch {
            driver.change(watch, to: outbox.isEmpty ? .readable : [.readable, .writable])
        }
    }

    /// Never from within the caller's own call.
    private func refuse(_ letter: Letter, step: String, errno: Int32) {
        letter.close()
        guard case .start(let id, _) = letter.request else { return }
        loop.schedule(at: loop.now) {
            self.end(id, .notStarted(step: step, errno: errno))
        }
    }

    fileprivate func linkReady(_ events: DescriptorEvents) {
        if events.contains(.writable) { flush() }
        while true {
            switch link?.receive() ?? .nothing {
            case .reply(let reply): heard(reply)
            case .nothing: return
            case .ended: return linkEnded()
            }
        }
    }

    private func heard(_ reply: GuardianReply) {
        switch reply {
        case .started(let id, let pid):
            guard let process = processes[id] else { return }
            process.pid = pid
            process.handler?.started(process)
        case .signalled(let id, let signal, let monotonic):
            guard let process = processes[id] else { return }
            let at = Instant(nanoseconds: monotonic - driver.clock.epoch)
            process.handler?.signalled(process, signal: signal, at: at)
        case .exited(let id, let exit): end(id, exit)
        case .used(let id, let use): if let pid = processes[id]?.pid { onUsed?(pid, use) }
        case .undone(let count, let isHalted, let failures): onUndone?(count, isHalted, failures)
        }
    }

    private func end(_ id: Int, _ exit: ProcessExit) {
        guard let process = processes[id] else { return }
        processes[id] = nil
        let handler = process.handler
        process.handler = nil
        handler?.exited(process, exit: exit)
    }

    /// Ends what a guardian has left to this process, all of its descendants; true when none is left. A process that has children of
    /// its own beside the guardian's puts a narrower one here.
    package var endOrphans: () -> Bool = {
        ProcessTree.endAllDescendants(grace: .zero, limit: .milliseconds(500))
    }

    private func linkEnded() {
        guard state != .over else { return }
        let wasEnding = state == .ending
        state = .over
        if let watch { driver.unwatch(watch) }
        watch = nil
        for letter in outbox { letter.close() }
        outbox = []
        let exit = link.take()?.finish() ?? .unknown
        var isClean = wasEnding && exit == .code(Guardian.clean)
        // One that only could not undo has ended every process all the same.
        if !isClean, exit != .code(Guardian.notUndone) {
            // What the guardian left has come to this process, which is a subreaper too.
            let isEmpty = endOrphans()
            isClean = wasEnding && isEmpty && exit == .code(Guardian.processLeft)
        }
        for id in processes.keys { end(id, .unknown) }
        if wasEnding { onEnd?(isClean) } else { onGuardianLost?() }
        onEnd = nil
        onGuardianLost = nil
    }
}

/// The driver keeps its handlers alive; the host must be able to go before.
private final class LinkEvents: DescriptorHandler {
    weak var host: PosixProcessHost?
    init(host: PosixProcessHost) { self.host = host }
    func ready(_ events: DescriptorEvents) { host?.linkReady(events) }
}

/// A process behind the guardian.
private final class GuardedProcess: HostedProcess {
    let id: Int
    let name: String
    var pid: Int32?
    var control: (any ByteStream)?
    var handler: (any HostedProcessHandler)?
    private weak var host: PosixProcessHost?

    init(id: Int, name: String, host: PosixProcessHost, handler: any HostedProcessHandler) {
        self.id = id
        self.name = name
        self.host = host
        self.handler = handler
    }

    func send(_ signal: ProcessSignal, tree: Bool) { host?.send(signal, tree: tree, to: id) }
}
