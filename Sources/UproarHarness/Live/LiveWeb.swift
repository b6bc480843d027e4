import UproarCore
import UproarReports
import UproarRuntime
import UproarStatistics
import UproarWire

/// `--web`: a read-only page on the run while it goes on, with the report's own charts, and its figures for Prometheus.
///
/// | request | answer |
/// |---|---|
/// | `GET /` | the report as it stands |
/// | `GET /events` | server-sent events: one a second, with the live view's figures |
/// | `GET /metrics` | OpenMetrics text |
/// | `GET /result.json` | the result as it stands, marked partial |
///
/// Lives on the control loop: callers have threads of their own. Pages are made only when asked for, and at most once per
/// checkpoint; a reader that does not keep up misses events, and none can hold up the end of the run.
package final class LiveWeb: ListenerHandler {
    private static let connectionLimit = 16
    /// A reader with so much unread gets no more events.
    private static let unreadLimit = 1 << 16

    private let listener: any Listener
    private let state: () -> RunResult
    private var generation = 0
    private var pages: [String: (generation: Int, body: [UInt8])] = [:]
    private var readers: [ObjectIdentifier: LiveWebConnection] = [:]

    /// - state: the result as it stands; asked at most once per page and checkpoint.
    package init(
        network: any Network, host: String, port: UInt16, state: @escaping () -> RunResult
    ) throws(NetworkError) {
        self.state = state
        let relay = Relay()
        var options = ListenOptions()
        // A whole page waits for a slow reader.
        options.queueLimit = 16 << 20
        listener =
            try network.listen(
                on: .tcp(host: host, port: port), options: options, handler: relay)
        relay.web = self
    }

    /// nil without a place, and when there is no listening there: a page that cannot be shown is no reason not to measure.
    static func open(
        _ place: (host: String, port: UInt16)?, _ network: any Network, _ view: LiveView,
        state: @escaping () -> RunResult
    ) -> LiveWeb? {
        guard let place else { return nil }
        do throws(NetworkError) {
            let web = try LiveWeb(
                network: network, host: place.host, port: place.port, state: state)
            view.say("live page: \(web.url)")
            return web
        } catch {
            view.say("no live page: \(place.host):\(place.port) cannot be listened on: \(error)")
            return nil
        }
    }

    package var url: String {
        guard case .tcp(let host, let port) = listener.endpoint else { return "" }
        return "http://\(host):\(port)/"
    }

    package func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        let connection = LiveWebConnection(stream, web: self)
        if readers.count >= Self.connectionLimit { stream.close() }
        readers[ObjectIdentifier(connection)] = connection
        return connection
    }

    /// What the pages are made from has changed.
    package func checkpointed() { generation += 1 }

    package func show(_ snapshot: LiveSnapshot) {
        guard readers.values.contains(where: \.isListening) else { return }
        let text = "data: " + Self.json(snapshot).text(pretty: false) + "\n\n"
        // The order in which readers hear of it shows nowhere.
        for reader in readers.values where reader.isListening {
            reader.event(text, unreadLimit: Self.unreadLimit)
        }
    }

    /// Ends every connection at once: what was not read is lost.
    package func close() {
        listener.close()
        for reader in readers.values { reader.end() }
        readers = [:]
    }

    func closed(_ connection: LiveWebConnection) {
        readers[ObjectIdentifier(connection)] = nil
    }

    /// The body of a page, and its type; nil when there is no such page.
    func page(_ path: String) -> (body: [UInt8], type: String)? {
        switch path {
        case "/":
            (
                cached(path) { Array(HTMLReport($0, isLive: true).text.utf8) },
                "text/html; charset=utf-8"
            )
        case "/metrics":
            (
                cached(path) { Array(OpenMetricsReport($0).text.utf8) },
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            )
        case "/result.json": (cached(path) { $0.encoded() }, "application/json")
        default: nil
        }
    }

    private func cached(_ path: String, _ make: (RunResult) -> [UInt8]) -> [UInt8] {
        if let page = pages[path], page.generation == generation { return page.body }
        let body = make(state())
        pages[path] = (generation, body)
        return body
    }

    static func json(_ snapshot: LiveSnapshot) -> JSONValue {
        func latency(_ latency: LiveSnapshot.Latency) -> JSONValue {
            .object(
                [("p50_ms", latency.p50), ("p95_ms", latency.p95), ("p99_ms", latency.p99)]
                    .compactMap { name, value in
                        value.map { JSONValue.Member(name, .number($0.inMilliseconds)) }
                    } + [.init("n", .integer(Int64(latency.count)))])
        }
        return [
            "phase": .string(snapshot.phase),
            "elapsed_ms": .number(snapshot.elapsed.inMilliseconds),
            "in_call": .integer(Int64(snapshot.inCall)),
            "offered": .integer(Int64(snapshot.offered)),
            "started": .integer(Int64(snapshot.started)),
            "turns": .integer(Int64(snapshot.turns)),
            "turns_lost": .integer(Int64(snapshot.turnsLost)),
            "now": latency(snapshot.interval), "so_far": latency(snapshot.total),
            "gates": .array(
                snapshot.gates.map {
                    [
                        "rule": .string($0.text), "state": .string($0.state.rawValue),
                        "observed": .string($0.observed),
                    ]
                }),
            "generator": .string(snapshot.validity.rawValue),
        ]
    }

    /// The listener wants its handler before the web exists.
    private final class Relay: ListenerHandler {
        weak var web: LiveWeb?

        func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
            guard let web else {
                stream.close()
                return Deaf()
            }
            return web.accepted(stream)
        }
    }

    private final class Deaf: ByteStreamHandler {
        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {}
        func closed(_ stream: any ByteStream, reason: CloseReason) {}
    }
}

/// One reader of the live page.
final class LiveWebConnection: ByteStreamHandler {
    private weak var web: LiveWeb?
    private var stream: (any ByteStream)?
    private var connection = ServerConnection()
    private(set) var isListening = false

    init(_ stream: any ByteStream, web: LiveWeb) {
        self.stream = stream
        self.web = web
    }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        connection.receive(bytes)
        while let event = connection.next() {
            switch event {
            case .request(let head) where !isListening: answer(head)
            case .upgrade:
                connection.respond(status: 404, body: Array("no WebSocket here\n".utf8))
            case .closed, .failed: stream.close()
            case .request, .requestEnd, .body, .text, .binary, .ping, .pong: break
            }
        }
        flush()
        if connection.shouldClose { stream.close() }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        self.stream = nil
        web?.closed(self)
    }

    func event(_ text: String, unreadLimit: Int) {
        guard let stream, stream.queuedByteCount < unreadLimit else { return }
        connection.sendBody(text)
        flush()
    }

    func end() { stream?.reset() }

    private func answer(_ head: HTTPRequestHead) {
        let path = String(head.target.prefix { $0 != "?" })
        guard head.method == "GET" || head.method == "HEAD" else {
            return connection.respond(
                status: 405, headers: ["allow": "GET"], body: Array("read-only\n".utf8))
        }
        if path == "/events" {
            isListening = true
            return connection.startBody(
                HTTPResponseHead(
                    status: 200,
                    headers: ["content-type": "text/event-stream", "cache-control": "no-store"]))
        }
        guard let page = web?.page(path) else {
            return connection.respond(
                status: 404, body: Array("pages: / /events /metrics /result.json\n".utf8))
        }
        let body = page.body
        connection.respond(
            HTTPResponseHead(
                status: 200,
                headers: ["content-type": page.type, "cache-control": "no-store"]),
            body: body.span.bytes)
    }

    private func flush() {
        guard !connection.output.isEmpty else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &connection.output)
        stream?.write(bytes.span.bytes)
        bytes.removeAll(keepingCapacity: true)
        swap(&bytes, &connection.output)
    }
}
