import UproarCore
import UproarFaults
import UproarRuntime

/// One connection through a relay: a client, the one it is led on to, and a lane each way.
///
/// ```
///  client ──► up ──► upstream          an end goes the same way as the bytes before it:
///  client ◄── down ◄── upstream        FIN as FIN, a reset as a reset
/// ```
final class RelayConnection {
    let relay: LinkRelay
    var fate: LinkFaultChain.Fate
    private(set) var up: Lane!
    private(set) var down: Lane!
    private(set) var gate: RedisGate?
    private let client: any ByteStream
    private var upstream: (any ByteStream)?
    private var isWaiting = false
    private var openStreams = 1
    /// What it is told apart by; 0 until it is led on.
    private(set) var port: UInt16 = 0
    /// Requests that were seen to follow an answer.
    private(set) var exchange = 0
    private var lastDirection = LinkDirection.up

    private static let queueLimit = 16 << 20

    init(client: any ByteStream, fate: LinkFaultChain.Fate, relay: LinkRelay) {
        self.client = client
        self.fate = fate
        self.relay = relay
        up = Lane(.up, of: self)
        down = Lane(.down, of: self)
        up.source = client
        down.sink = client
        if relay.settings.isBeforeCallers { port = client.remote.port }
        if relay.settings.readsRedis { gate = RedisGate(self) }
    }

    var loop: EventLoop { relay.loop }

    /// Accepted, but not led on before the fault is over.
    func wait() {
        isWaiting = true
        client.pauseReading()
    }

    func dial(_ now: Instant) {
        var options = ConnectOptions()
        options.queueLimit = Self.queueLimit
        let stream = relay.network.connect(
            to: relay.settings.upstream, options: options, handler: down)
        upstream = stream
        openStreams += 1
        up.sink = stream
        down.source = stream
        refresh(now)
    }

    /// It is led on.
    func opened(_ upstream: any ByteStream) {
        if !relay.settings.isBeforeCallers { port = upstream.localPort }
    }

    /// Bytes go one way.
    func passes(_ direction: LinkDirection) {
        if direction == .up, lastDirection == .down { exchange += 1 }
        lastDirection = direction
    }

    /// The faults of the relay have changed.
    func refresh(_ now: Instant) {
        if isWaiting {
            var fate = fate
            if case .wait? = relay.admission(of: &fate, at: now)?.admission { return }
            isWaiting = false
            client.resumeReading()
            return dial(now)
        }
        up.refresh(now)
        down.refresh(now)
        gate?.refresh(now)
    }

    /// Dead for good, with both sides up.
    func mute() {
        up.mute()
        down.mute()
    }

    func reset() {
        client.reset()
        upstream?.reset()
    }

    /// Ends both sides in order.
    func close() {
        client.close()
        upstream?.close()
    }

    /// The other way than this one.
    func other(than lane: Lane) -> Lane { lane === up ? down : up }

    func streamClosed() {
        openStreams -= 1
        guard openStreams == 0 else { return }
        up.finish()
        down.finish()
        gate?.finish()
        relay.forget(self)
        // The lanes and the gate point back here.
        gate = nil
    }
}
