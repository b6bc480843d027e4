import UproarCore
import UproarFaults
import UproarRuntime

/// A relay for datagrams: each client gets a socket of its own towards the upstream, so that answers find back. Packet faults act on
/// every datagram, each way for itself.
package final class DatagramRelay: DatagramHandler, TimerHandler {
    private final class Peer {
        let address: DatagramAddress
        let ordinal: UInt64
        var socket: (any DatagramSocket)?
        var up: PacketFlow
        var down: PacketFlow
        var lastAt: Instant

        init(_ address: DatagramAddress, ordinal: UInt64, name: String, at now: Instant) {
            self.address = address
            self.ordinal = ordinal
            up = PacketFlow(names: [name, "uplink"], key: ordinal, call: nil, index: 0)
            down = PacketFlow(names: [name, "downlink"], key: ordinal, call: nil, index: 1)
            lastAt = now
        }
    }

    /// Answers come to the sockets of the peers.
    private final class Answers: DatagramHandler {
        weak var relay: DatagramRelay?
        let address: DatagramAddress

        init(_ relay: DatagramRelay, _ address: DatagramAddress) {
            self.relay = relay
            self.address = address
        }

        func received(
            _ bytes: RawSpan, from address: DatagramAddress, at now: Instant,
            on socket: any DatagramSocket
        ) { relay?.answered(bytes, to: self.address, at: now) }
    }

    private struct Held: Comparable {
        var at: Instant
        var sequence: UInt64
        var bytes: [UInt8]
        var peer: DatagramAddress
        var isUp: Bool

        static func == (a: Held, b: Held) -> Bool { a.sequence == b.sequence }
        static func < (a: Held, b: Held) -> Bool {
            a.at != b.at ? a.at < b.at : a.sequence < b.sequence
        }
    }

    package let name: String
    package private(set) var chain = PacketFaultChain()
    package var onEffect: ((FaultPlan, Instant) -> Void)?
    package private(set) var received = 0
    package private(set) var sent = 0
    /// Held back when too many were: lost, as in any queue.
    package private(set) var overflowed = 0

    private let loop: EventLoop
    private let network: any DatagramNetwork
    private let upstream: Endpoint
    private var socket: (any DatagramSocket)?
    private var peers = OrderedTable<DatagramAddress, Peer>()
    private var handlers: [DatagramAddress: Answers] = [:]
    private var lastOrdinal: UInt64 = 0
    private var held = Heap<Held>()
    private var lastSequence: UInt64 = 0
    private var timer = TimerID.none

    private static let peerLimit = 1_000
    private static let heldLimit = 20_000
    private static let idleLimit = Duration.seconds(120)

    package init(
        name: String, on endpoint: Endpoint, upstream: Endpoint, loop: EventLoop,
        network: any DatagramNetwork
    ) throws(NetworkError) {
        self.name = name
        self.loop = loop
        self.network = network
        self.upstream = upstream
        socket = try network.datagrams(on: endpoint, peer: nil, handler: self)
    }

    package var endpoint: Endpoint? { socket?.endpoint }

    package func close() {
        socket?.close()
        for peer in peers.values { peer.socket?.close() }
        loop.cancel(timer)
    }

    /// Says what is wrong with a plan that cannot be armed.
    package func arm(_ plan: FaultPlan) -> String? {
        guard let kind = PacketFaultCatalog.named(plan.fault) else {
            return "\(plan.fault) is no fault on datagrams"
        }
        if case .sound = kind.init(plan.attributes).effect {
            return "\(plan.fault) is about audio, and a relay does not know what datagrams hold"
        }
        _ = chain.arm(plan)
        return nil
    }

    package func clear(_ id: String) { chain.clear(id) }

    // MARK: Datagrams

    package func received(
        _ bytes: RawSpan, from address: DatagramAddress, at now: Instant,
        on socket: any DatagramSocket
    ) {
        received += 1
        guard let peer = peer(address, now) else { return }
        peer.lastAt = now
        let verdict =
            chain.isEmpty
            ? nil : chain.verdict(on: &peer.up, byteCount: bytes.byteCount, at: now)
        pass(bytes, peer, isUp: true, verdict, now)
    }

    private func answered(_ bytes: RawSpan, to address: DatagramAddress, at now: Instant) {
        received += 1
        guard let peer = peers[address] else { return }
        let verdict =
            chain.isEmpty
            ? nil : chain.verdict(on: &peer.down, byteCount: bytes.byteCount, at: now)
        pass(bytes, peer, isUp: false, verdict, now)
    }

    private func peer(_ address: DatagramAddress, _ now: Instant) -> Peer? {
        if let known = peers[address] { return known }
        if peers.count >= Self.peerLimit { dropIdle(now) }
        guard peers.count < Self.peerLimit else { return nil }
        let peer = Peer(address, ordinal: lastOrdinal, name: name, at: now)
        lastOrdinal += 1
        let answers = Answers(self, address)
        // Any port of the upstream's own family.
        let host = upstream.description.hasPrefix("[") ? "::" : "0.0.0.0"
        peer.socket = try? network.datagrams(
            on: .tcp(host: host, port: 0), peer: upstream, handler: answers)
        guard peer.socket != nil else { return nil }
        handlers[address] = answers
        peers[address] = peer
        return peer
    }

    private func dropIdle(_ now: Instant) {
        for (address, peer) in zip(peers.keys, peers.values)
        where now - peer.lastAt > Self.idleLimit {
            peer.socket?.close()
            peers[address] = nil
            handlers[address] = nil
        }
    }

    private func pass(
        _ bytes: RawSpan, _ peer: Peer, isUp: Bool, _ verdict: PacketVerdict?, _ now: Instant
    ) {
        guard let verdict, !verdict.plans.isEmpty else { return send(bytes, peer, isUp) }
        for plan in verdict.plans { onEffect?(plan, now) }
        if verdict.isLost { return }
        var copy = bytes.withUnsafeBytes { Array($0) }
        if let draw = verdict.corruption, !copy.isEmpty {
            copy[Int(draw % UInt64(copy.count))] ^= UInt8(truncatingIfNeeded: draw >> 56) | 1
        }
        for _ in 0..<verdict.copies {
            if verdict.delay == .zero {
                send(copy.span.bytes, peer, isUp)
            } else if held.count < Self.heldLimit {
                lastSequence += 1
                held.insert(
                    Held(
                        at: now + verdict.delay, sequence: lastSequence, bytes: copy,
                        peer: peer.address, isUp: isUp))
            } else {
                overflowed += 1
            }
        }
        schedule()
    }

    private func send(_ bytes: RawSpan, _ peer: Peer, _ isUp: Bool) {
        sent += 1
        if isUp { peer.socket?.send(bytes, to: nil) } else { socket?.send(bytes, to: peer.address) }
    }

    private func schedule() {
        loop.cancel(timer)
        if let first = held.first { timer = loop.schedule(self, at: first.at) }
    }

    package func timerFired(token: UInt64, now: Instant) {
        while let first = held.first, first.at <= now, let due = held.popFirst() {
            if let peer = peers[due.peer] { send(due.bytes.span.bytes, peer, due.isUp) }
        }
        schedule()
    }
}
