import UproarCore
import UproarFaults
import UproarRuntime

/// One arrow with a relay on it: takes connections, leads each on to the one that they were meant for, and does to them what the
/// armed faults decide. Without a fault it passes on what it reads, chunk by chunk, as it was read.
///
/// The same in real and in virtual time: it knows a `Network`, not which one.
package final class LinkRelay: ListenerHandler, TimerHandler {
    package struct Settings: Hashable, Sendable {
        /// Who it is in reports: an arrow, or what a person called it.
        package var name: String
        /// What `on` may call it.
        package var names: [String]
        package var upstream: Endpoint
        /// Reads Redis' protocol, so that faults may act on commands.
        package var readsRedis = false
        /// May remove every key of the Redis behind it (`restart_empty`).
        package var mayFlush = false
        /// So many bytes may wait in one direction of a connection before its source has to.
        package var heldLimit = 1 << 20
        package var connectionLimit = 20_000
        /// Connections are told apart by their dialler's port, not by that of the link's own connection behind it.
        package var isBeforeCallers = false
        /// One connection carries one request after another, perhaps of several calls: an effect is told for each of them.
        package var tellsExchanges = false

        package init(name: String, upstream: Endpoint) {
            self.name = name
            names = [name]
            self.upstream = upstream
        }
    }

    package let settings: Settings
    let loop: EventLoop
    let network: any Network
    package private(set) var chain = LinkFaultChain()
    /// Faults beyond the catalog that `arm` takes.
    package var extraFaults: [any LinkFault.Type] = []
    /// A fault took effect on a connection, told by its port (0: no one in particular), and in one direction of it or both.
    package var onEffect: ((FaultPlan, UInt16, LinkDirection?, Instant) -> Void)?
    /// Until then answers of the chain hold for a moment only.
    private(set) var growsUntil = Instant(nanoseconds: .min)

    private var listener: (any Listener)?
    private var connections: [RelayConnection] = []
    private var lastConnection: UInt64 = 0
    private var timer = TimerID.none
    private var lastNoted: [UInt32: Instant] = [:]
    package private(set) var counts = Counts()

    package struct Counts: Hashable, Sendable {
        package var connections = 0
        package var refused = 0
        package var bytesUp = 0
        package var bytesDown = 0
    }

    /// A held fault is said to be at work so often at the most, beside each first time.
    private static let noteEvery = Duration.seconds(1)

    /// Listens at once.
    package init(
        _ settings: Settings, on endpoint: Endpoint, loop: EventLoop, network: any Network
    ) throws(NetworkError) {
        self.settings = settings
        self.loop = loop
        self.network = network
        var options = ListenOptions()
        options.queueLimit = 16 << 20
        listener = try network.listen(on: endpoint, options: options, handler: self)
    }

    package var endpoint: Endpoint? { listener?.endpoint }
    package var isListening: Bool { listener != nil }
    package var openConnections: Int { connections.count }

    /// Stops listening and resets what stands.
    package func close() {
        listener?.close()
        listener = nil
        loop.cancel(timer)
        for connection in connections { connection.reset() }
    }

    // MARK: Faults

    /// Arms a plan whose window is in the loop's own time. Says what is wrong with it otherwise.
    package func arm(_ plan: FaultPlan) -> String? {
        var probe = LinkFaultChain()
        guard probe.arm(plan, extra: extraFaults) else {
            return "no link knows a fault \(plan.fault)"
        }
        if probe.hasRedisFaults, !settings.readsRedis {
            return
                "\(plan.fault) needs a link that reads Redis' protocol; \(settings.name) does not"
        }
        if plan.fault == RedisRestartFault.descriptor.name, !settings.mayFlush {
            return
                "\(plan.fault) removes every key of \(settings.upstream): only a Redis of the run's own, or with --allow-flush"
        }
        _ = chain.arm(plan, extra: extraFaults)
        lastNoted[plan.number] = nil
        if plan.fault == RedisRestartFault.descriptor.name { flushKeys(plan) }
        changed()
        return nil
    }

    package func clear(_ id: String) {
        chain.clear(id)
        changed()
    }

    package func clearAll() {
        chain.clearAll()
        changed()
    }

    package func timerFired(token: UInt64, now: Instant) { changed() }

    /// Something about the faults may be different from now on.
    private func changed() {
        let now = loop.now
        chain.advance(to: now)
        loop.cancel(timer)
        if let next = chain.nextChange(after: now) { timer = loop.schedule(self, at: next) }
        growsUntil = chain.isGrowing(at: now) ? .distantFuture : Instant(nanoseconds: .min)
        for connection in connections { connection.refresh(now) }
    }

    func admission(of fate: inout LinkFaultChain.Fate, at now: Instant) -> (
        admission: LinkAdmission, plan: FaultPlan
    )? { chain.admission(of: &fate, at: now) }

    func active(
        on fate: inout LinkFaultChain.Fate, _ direction: LinkDirection, at now: Instant
    ) -> [LinkFaultChain.Active] { chain.active(on: &fate, direction, at: now) }

    func meets(_ plan: FaultPlan, chunk passage: FaultPassage, at now: Instant) -> Bool {
        chain.meets(plan, chunk: passage, at: now)
    }

    func redisEffects(on fate: inout LinkFaultChain.Fate, at now: Instant) -> [(
        plan: FaultPlan, effect: RedisEffect
    )] { chain.redisEffects(on: &fate, at: now) }

    func verdicts(on passage: FaultPassage, isWrite: Bool, at now: Instant) -> [(
        plan: FaultPlan, effect: RedisEffect
    )] { chain.verdicts(on: passage, isWrite: isWrite, at: now) }

    /// - isFirst: on this connection, or whatever else the fault is drawn for.
    func note(
        _ plan: FaultPlan, isFirst: Bool, port: UInt16 = 0, _ direction: LinkDirection? = nil,
        at now: Instant
    ) {
        if !isFirst {
            // What ends by its number of hits counts them.
            guard plan.window.count == nil, let last = lastNoted[plan.number],
                now - last >= Self.noteEvery
            else { return }
        }
        lastNoted[plan.number] = now
        onEffect?(plan, port, direction, now)
    }

    func passed(_ count: Int, _ direction: LinkDirection) {
        if direction == .up { counts.bytesUp += count } else { counts.bytesDown += count }
    }

    // MARK: Connections

    package func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        let now = loop.now
        chain.advance(to: now)
        counts.connections += 1
        lastConnection += 1
        var fate = LinkFaultChain.Fate(names: settings.names, connection: lastConnection - 1)
        guard connections.count < settings.connectionLimit else {
            counts.refused += 1
            stream.reset()
            return SilentStream()
        }
        let found = chain.isEmpty ? nil : chain.admission(of: &fate, at: now)
        if let found {
            let port = settings.isBeforeCallers ? stream.remote.port : 0
            note(found.plan, isFirst: true, port: port, at: now)
        }
        switch found?.admission ?? .pass {
        case .refuse:
            counts.refused += 1
            stream.reset()
            return SilentStream()
        case .mute: return SilentStream()
        case .answer(let bytes):
            counts.refused += 1
            stream.write(bytes.span.bytes)
            stream.close()
            return SilentStream()
        case .pass, .wait: break
        }
        let connection = RelayConnection(client: stream, fate: fate, relay: self)
        connections.append(connection)
        if case .wait = found?.admission { connection.wait() } else { connection.dial(now) }
        return connection.up
    }

    func forget(_ connection: RelayConnection) {
        guard let index = connections.firstIndex(where: { $0 === connection }) else { return }
        connections.swapAt(index, connections.count - 1)
        connections.removeLast()
        chain.released(connection.fate)
    }

    // MARK: Redis

    /// Every key is removed over a connection of the link's own.
    private func flushKeys(_ plan: FaultPlan) {
        let sweep = RedisSweep()
        sweep.stream = network.connect(
            to: settings.upstream, options: ConnectOptions(), handler: sweep)
        note(plan, isFirst: true, at: loop.now)
    }
}

/// Takes what comes on a connection that nobody answers.
final class SilentStream: ByteStreamHandler {
    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {}
    func closed(_ stream: any ByteStream, reason: CloseReason) {}
}
