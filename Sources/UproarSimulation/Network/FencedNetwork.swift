import Glibc
import UproarCore
import UproarRuntime

/// A process of a simulated world, as far as others can see one: its sockets. Give it to a part as its network; `kill` then ends the
/// part as SIGKILL ends a process: connections break, ports refuse, and whatever the part still does reaches nobody.
package final class FencedNetwork: Network {
    private let network: any Network
    private var listeners: [any Listener] = []
    private var streams = OrderedTable<UInt64, OwnedStream>()
    private var lastStream: UInt64 = 0
    package private(set) var isDead = false

    package init(on network: any Network) { self.network = network }

    package func connect(
        to endpoint: Endpoint, options: ConnectOptions, handler: any ByteStreamHandler
    ) -> any ByteStream {
        let owned = own(handler)
        // The dead open nothing, and hear of nothing.
        guard !isDead else { return owned }
        owned.inner = network.connect(to: endpoint, options: options, handler: owned)
        return owned
    }

    package func listen(
        on endpoint: Endpoint, options: ListenOptions, handler: any ListenerHandler
    ) throws(NetworkError) -> any Listener {
        guard !isDead else {
            throw NetworkError(errno: ESRCH, description: "the process is dead")
        }
        let listener = try network.listen(
            on: endpoint, options: options, handler: OwnedListenerHandler(self, handler))
        listeners.append(listener)
        return listener
    }

    /// Ends it at once. Its own handlers are told nothing.
    package func kill() {
        guard !isDead else { return }
        isDead = true
        for listener in listeners { listener.close() }
        listeners = []
        let open = streams.values
        streams = OrderedTable()
        for stream in open { stream.die() }
    }

    fileprivate func own(_ handler: (any ByteStreamHandler)?) -> OwnedStream {
        lastStream += 1
        let stream = OwnedStream(number: lastStream, process: self, handler: handler)
        if !isDead { streams[lastStream] = stream }
        return stream
    }

    fileprivate func forget(_ stream: OwnedStream) { streams[stream.number] = nil }
}

private final class OwnedListenerHandler: ListenerHandler {
    private weak var process: FencedNetwork?
    private let handler: any ListenerHandler

    init(_ process: FencedNetwork, _ handler: any ListenerHandler) {
        self.process = process
        self.handler = handler
    }

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        guard let process else { preconditionFailure("a listener outlived its process") }
        let owned = process.own(nil)
        owned.inner = stream
        owned.handler = handler.accepted(owned)
        return owned
    }
}

/// A stream of the process, between the network and the part that has it.
private final class OwnedStream: ByteStream, ByteStreamHandler {
    let number: UInt64
    var inner: (any ByteStream)?
    var handler: (any ByteStreamHandler)?
    private weak var process: FencedNetwork?

    init(number: UInt64, process: FencedNetwork, handler: (any ByteStreamHandler)?) {
        self.number = number
        self.process = process
        self.handler = handler
    }

    func die() {
        handler = nil
        inner?.reset()
        inner = nil
    }

    // MARK: ByteStream

    var remote: Endpoint { inner?.remote ?? .loopback(0) }
    var queuedByteCount: Int { inner?.queuedByteCount ?? 0 }
    func write(_ bytes: RawSpan) { inner?.write(bytes) }
    func pauseReading() { inner?.pauseReading() }
    func resumeReading() { inner?.resumeReading() }
    func closeWriting() { inner?.closeWriting() }
    func close() { inner?.close() }
    func reset() { inner?.reset() }

    // MARK: ByteStreamHandler

    func opened(_ stream: any ByteStream) { handler?.opened(self) }
    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
        handler?.received(bytes, at: at, on: self)
    }
    func drained(_ stream: any ByteStream) { handler?.drained(self) }
    func ended(_ stream: any ByteStream) { handler?.ended(self) }
    func closed(_ stream: any ByteStream, reason: CloseReason) {
        let handler = handler
        self.handler = nil
        inner = nil
        process?.forget(self)
        handler?.closed(self, reason: reason)
    }
}
