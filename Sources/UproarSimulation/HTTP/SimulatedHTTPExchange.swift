import UproarCore
import UproarRuntime
import UproarWire

/// One request and its answer.
final class SimulatedHTTPExchange: HTTPExchange {
    private enum Token: UInt64 { case badURL, firstByte, stall, total }

    private let client: SimulatedHTTPClient
    private let request: HTTPRequest
    private var handler: (any HTTPExchangeHandler)?
    private var connection: SimulatedHTTPConnection?
    /// By token.
    private var timers = [TimerID](repeating: .none, count: 4)
    /// When the head or the last piece of the body came; nil before.
    private var lastPieceAt: Instant?
    private var hasStartedAnew = false

    /// Where no deadline is given, a dial still ends.
    private static let dialLimit = Duration.seconds(300)

    init(
        client: SimulatedHTTPClient, request: HTTPRequest, handler: any HTTPExchangeHandler
    ) {
        self.client = client
        self.request = request
        self.handler = handler
    }

    func start() {
        guard let url = try? WireURL(request.url), [.http, .https].contains(url.scheme) else {
            return schedule(.badURL, after: .zero)
        }
        if let limit = request.deadlines.firstByte { schedule(.firstByte, after: limit) }
        if let limit = request.deadlines.total { schedule(.total, after: limit) }
        let place = SimulatedHTTPClient.Place(
            isSecure: url.scheme.isSecure, host: url.host, port: url.port)
        begin(url, on: client.takeConnection(to: place) ?? dial(place))
    }

    /// The kept connection was dead. False when this has happened before.
    func startsAnew() -> Bool {
        guard !hasStartedAnew, let url = try? WireURL(request.url) else { return false }
        hasStartedAnew = true
        begin(
            url,
            on: dial(.init(isSecure: url.scheme.isSecure, host: url.host, port: url.port)))
        return true
    }

    private func dial(_ place: SimulatedHTTPClient.Place) -> SimulatedHTTPConnection {
        let connection = SimulatedHTTPConnection(client: client, place: place)
        var options = ConnectOptions()
        options.timeout = request.deadlines.connect ?? Self.dialLimit
        options.queueLimit = max(options.queueLimit, request.body.count + (64 << 10))
        connection.dial(options)
        return connection
    }

    private func begin(_ url: WireURL, on connection: SimulatedHTTPConnection) {
        self.connection = connection
        var headers = HTTPHeaders()
        for field in request.headers { headers.add(field.name, field.value) }
        if headers["Host"] == nil { headers.add("Host", url.authority) }
        if headers["Accept"] == nil { headers.add("Accept", "*/*") }
        let hasBody =
            !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method)
        if hasBody, !headers.contains("Transfer-Encoding") {
            headers["Content-Length"] = String(request.body.count)
        }
        var bytes: [UInt8] = []
        HTTPRequestHead(method: request.method, target: url.target, headers: headers)
            .write(into: &bytes)
        bytes += request.body
        connection.carry(self, method: request.method, bytes: bytes)
    }

    func cancel() {
        guard handler != nil else { return }
        handler = nil
        end()?.abandon()
    }

    /// Cancels what is pending and gives the connection out.
    private func end() -> SimulatedHTTPConnection? {
        for timer in timers { client.loop.cancel(timer) }
        defer { connection = nil }
        return connection
    }

    // MARK: What the connection says

    func answered(_ head: HTTPResponseHead) {
        lastPieceAt = client.loop.now
        if let limit = request.deadlines.stall { schedule(.stall, after: limit) }
        handler?.answered(
            status: head.status, headers: head.headers.fields.map { HTTPField($0.name, $0.value) },
            on: self)
    }

    func received(_ body: RawSpan) {
        lastPieceAt = client.loop.now
        handler?.received(body: body, on: self)
    }

    func finished() {
        _ = end()
        let last = handler
        handler = nil
        last?.finished(self)
    }

    func failed(_ failure: HTTPFailure) {
        _ = end()
        let last = handler
        handler = nil
        last?.failed(failure, on: self)
    }

    // MARK: Deadlines

    private func schedule(_ token: Token, after limit: Duration) {
        schedule(token, at: client.loop.now + limit)
    }

    private func schedule(_ token: Token, at deadline: Instant) {
        timers[Int(token.rawValue)] = client.loop.schedule(
            self, token: token.rawValue, at: deadline)
    }

    private func timeOut(_ name: String) {
        connection?.abandon()
        failed(.timedOut(name))
    }
}

extension SimulatedHTTPExchange: TimerHandler {
    func timerFired(token: UInt64, now: Instant) {
        guard handler != nil else { return }
        switch Token(rawValue: token) {
        case .badURL: failed(.malformed("\(request.url) is not an HTTP URL"))
        case .firstByte: if lastPieceAt == nil { timeOut("first byte") }
        case .total: timeOut("total")
        case .stall:
            guard let limit = request.deadlines.stall, let lastPieceAt else { return }
            let due = lastPieceAt + limit
            if due <= now { return timeOut("stall") }
            schedule(.stall, at: due)
        case nil: preconditionFailure("no timer \(token)")
        }
    }
}
