import Glibc
import UproarCore
import UproarRuntime

/// A network that takes the time of everything its streams tell their handlers, by kind of handler.
final class MeteredNetwork: Network {
    let base: any Network
    let costs = StageCosts()

    init(over base: any Network) { self.base = base }

    func connect(
        to endpoint: Endpoint, options: ConnectOptions, handler: any ByteStreamHandler
    ) -> any ByteStream {
        base.connect(to: endpoint, options: options, handler: costs.metered(handler))
    }

    func listen(
        on endpoint: Endpoint, options: ListenOptions, handler: any ListenerHandler
    ) throws(NetworkError) -> any Listener {
        try base.listen(
            on: endpoint, options: options, handler: MeteredListener(handler, costs))
    }
}

private final class MeteredListener: ListenerHandler {
    private let inner: any ListenerHandler
    private let costs: StageCosts

    init(_ inner: any ListenerHandler, _ costs: StageCosts) {
        self.inner = inner
        self.costs = costs
    }

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        costs.metered(inner.accepted(stream))
    }
}

/// Nanoseconds and pieces of input by kind of handler. Deliveries do not nest, so the times add up.
final class StageCosts {
    final class Stage {
        let name: String
        var nanoseconds: Int64 = 0
        var pieces = 0
        init(_ name: String) { self.name = name }
    }

    private(set) var stages: [Stage] = []

    func metered(_ handler: any ByteStreamHandler) -> any ByteStreamHandler {
        let name = String(describing: type(of: handler))
        if let known = stages.first(where: { $0.name == name }) {
            return MeteredHandler(handler, known)
        }
        let new = Stage(name)
        stages.append(new)
        return MeteredHandler(handler, new)
    }
}

private final class MeteredHandler: ByteStreamHandler {
    private let inner: any ByteStreamHandler
    private let stage: StageCosts.Stage

    init(_ inner: any ByteStreamHandler, _ stage: StageCosts.Stage) {
        self.inner = inner
        self.stage = stage
    }

    private func metered(_ body: () -> Void) {
        let start = SimulationBenchmark.clock()
        body()
        stage.nanoseconds += SimulationBenchmark.clock() - start
        stage.pieces += 1
    }

    func opened(_ stream: any ByteStream) { metered { inner.opened(stream) } }
    func drained(_ stream: any ByteStream) { metered { inner.drained(stream) } }
    func ended(_ stream: any ByteStream) { metered { inner.ended(stream) } }
    func closed(_ stream: any ByteStream, reason: CloseReason) {
        metered { inner.closed(stream, reason: reason) }
    }
    func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {
        let start = SimulationBenchmark.clock()
        inner.received(bytes, at: instant, on: stream)
        stage.nanoseconds += SimulationBenchmark.clock() - start
        stage.pieces += 1
    }
}
