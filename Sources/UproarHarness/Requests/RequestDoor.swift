import UproarCore
import UproarProviders
import UproarRuntime
import UproarWire

/// Where emulators that were started by hand tell what was asked of them, over HTTP, read-only:
///
/// | request | answer |
/// |---|---|
/// | `GET /uproar/counters` | live counters by operation, JSON |
/// | `GET /metrics`, `/uproar/counters?format=prometheus` | the same for Prometheus |
/// | `GET /uproar/requests` | the last requests, a JSON object a line; `?last=N`, `?after=NUMBER`, `?provider=NAME` |
final class RequestDoor: ListenerHandler {
    /// Requests that are remembered.
    static let limit = 1_000
    private static let connectionLimit = 32

    private let words: (TurnReference) -> String
    private let prices: PriceBook?
    private let counters: () -> RequestCounters
    private var listener: (any Listener)?
    private var recent: [ProviderRequest] = []
    private var oldest = 0
    private var connections: [ObjectIdentifier: RequestDoorConnection] = [:]

    /// - port: 0 asks for any.
    init(
        port: UInt16, words: @escaping (TurnReference) -> String, prices: PriceBook?,
        counters: @escaping () -> RequestCounters, network: any Network
    ) throws(NetworkError) {
        self.words = words
        self.prices = prices
        self.counters = counters
        var options = ListenOptions()
        options.queueLimit = 4 << 20
        listener = try network.listen(on: .loopback(port), options: options, handler: self)
    }

    var url: String { "http://\(listener?.endpoint ?? .loopback(0))/uproar/counters" }

    func take(_ request: ProviderRequest) {
        guard recent.count == Self.limit else { return recent.append(request) }
        recent[oldest] = request
        oldest = (oldest + 1) % Self.limit
    }

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        let connection = RequestDoorConnection(stream, door: self)
        if connections.count >= Self.connectionLimit { stream.close() }
        connections[ObjectIdentifier(connection)] = connection
        return connection
    }

    func closed(_ connection: RequestDoorConnection) {
        connections[ObjectIdentifier(connection)] = nil
    }

    func close() {
        listener?.close()
        listener = nil
    }

    // MARK: Pages

    struct Page {
        var status = 200
        var type = "application/json"
        var body: [UInt8]
    }

    func page(_ head: HTTPRequestHead) -> Page {
        guard ["GET", "HEAD"].contains(head.method) else {
            return Page(status: 405, type: "text/plain", body: Array("read-only\n".utf8))
        }
        switch head.path {
        case "/metrics": return metrics
        case "/uproar/counters":
            if head.query["format"] == "prometheus" { return metrics }
            return Page(body: Array((counters().json.text(pretty: true) + "\n").utf8))
        case "/uproar/requests": return requests(head)
        default:
            return Page(
                status: 404, type: "text/plain",
                body: Array("pages: /uproar/counters /uproar/requests /metrics\n".utf8))
        }
    }

    private var metrics: Page {
        Page(type: PrometheusText.contentType, body: PrometheusText.write(counters().families))
    }

    private func requests(_ head: HTTPRequestHead) -> Page {
        var wanted = recent[oldest...] + recent[..<oldest]
        if let name = head.query["provider"] {
            guard let provider = ProviderID(name: name) else {
                let names = ProviderCatalog.all.map(\.id.name).joined(separator: " ")
                return Page(
                    status: 400, type: "text/plain",
                    body: Array("no provider \"\(name)\"; there are \(names)\n".utf8))
            }
            wanted.removeAll { $0.provider != provider }
        }
        if let after = head.query["after"].flatMap({ UInt64($0) }) {
            wanted.removeAll { $0.number <= after }
        }
        if let last = head.query["last"].flatMap({ Int($0) }), last >= 0 {
            wanted = wanted.suffix(last)
        }
        var body: [UInt8] = []
        for request in wanted {
            request.line(since: .zero, words: words, prices: prices).write(into: &body)
            body.append(UInt8(ascii: "\n"))
        }
        return Page(type: "application/x-ndjson", body: body)
    }
}

/// One reader of the door.
final class RequestDoorConnection: ByteStreamHandler {
    private weak var door: RequestDoor?
    private var stream: (any ByteStream)?
    private var connection = ServerConnection()

    init(_ stream: any ByteStream, door: RequestDoor) {
        self.stream = stream
        self.door = door
    }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        connection.receive(bytes)
        while let event = connection.next() {
            switch event {
            case .request(let head):
                guard let page = door?.page(head) else { return stream.close() }
                connection.respond(
                    status: page.status,
                    headers: ["content-type": page.type, "cache-control": "no-store"],
                    body: page.body)
            case .upgrade:
                connection.respond(status: 404, body: Array("no WebSocket here\n".utf8))
            case .closed, .failed: stream.close()
            case .requestEnd, .body, .text, .binary, .ping, .pong: break
            }
        }
        if !connection.output.isEmpty {
            let output = connection.output
            stream.write(output.span.bytes)
            connection.output.removeAll(keepingCapacity: false)
        }
        if connection.shouldClose { stream.close() }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        self.stream = nil
        door?.closed(self)
    }
}
