import UproarCore

/// One thing a peer sent in a response. The bytes of a body piece are in the decoder until its next call.
package enum HTTPResponseEvent: Hashable, Sendable {
    /// A 1xx before the real answer; 101 comes as `head`.
    case informational(HTTPResponseHead)
    case head(HTTPResponseHead)
    /// Some of the body (`withPayload`), as it arrived.
    case body
    case end(trailers: HTTPHeaders)
    /// Nothing follows.
    case failed(HTTPError)
}

/// Reads HTTP/1.0 and 1.1 responses from bytes cut anywhere (RFC 9112, client role).
///
/// Announce every request with `requestSent`, because the length of an answer depends on the method; say `streamEnded` when the
/// stream ends, because some bodies end only then.
package struct HTTPResponseDecoder: ~Copyable {
    private let limits: HTTPLimits
    private var buffer = InputBuffer()
    private var head: HTTPHeadReader
    private var body: HTTPBodyReader?
    /// The methods of requests that wait for their answer, oldest first.
    private var methods: [String] = []
    private var payload: Range<Int> = 0..<0
    private var hasEnded = false
    private var isOver = false

    package init(limits: HTTPLimits = .init()) {
        self.limits = limits
        head = HTTPHeadReader(limits: limits)
    }

    package mutating func requestSent(method: String) { methods.append(method) }

    package mutating func receive(_ bytes: RawSpan) {
        guard !isOver else { return }
        payload = 0..<0
        buffer.append(bytes)
    }

    /// The peer sends no more. Call `next()` until it gives nil: a body may end by this, a message may be truncated.
    package mutating func streamEnded() { hasEnded = true }

    /// The next event, or nil when more bytes are needed.
    package mutating func next() -> HTTPResponseEvent? {
        guard !isOver else { return nil }
        payload = 0..<0
        do {
            if let event = try read() { return event }
            guard hasEnded else { return nil }
            isOver = true
            if body?.endsWithStream == true {
                body = nil
                return .end(trailers: [:])
            }
            return body != nil || !buffer.isEmpty || !methods.isEmpty ? .failed(.truncated) : nil
        } catch {
            isOver = true
            return .failed(error)
        }
    }

    package borrowing func withPayload<Result, Failure>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(buffer.storage.span.bytes.extracting(payload))
    }

    package var payloadBytes: [UInt8] { Array(buffer.storage[payload]) }

    /// What came after the last response: the first bytes of another protocol, after a 101. Nothing is read after it.
    package mutating func takeRest() -> [UInt8] {
        isOver = true
        payload = 0..<0
        return buffer.takeAll()
    }

    private mutating func read() throws(HTTPError) -> HTTPResponseEvent? {
        if body != nil { return try readBody() }
        guard let lines = try head.next(from: &buffer, skipsEmptyLines: true),
            let first = lines.first
        else { return nil }
        let line = try HTTPHeadReader.statusLine(first)
        let response = HTTPResponseHead(
            status: line.status, reason: line.reason, headers: try head.fields(lines.dropFirst()),
            minorVersion: line.minorVersion)
        if line.status < 200, line.status != 101 { return .informational(response) }
        let method = methods.isEmpty ? "GET" : methods.removeFirst()
        let isBodiless =
            HTTPResponseHead.isBodiless(line.status) || method == "HEAD"
            || (method == "CONNECT" && line.status < 300)
        // RFC 9112 §6.3: such answers end with their head, whatever their fields say.
        let framing: HTTPBodyFraming =
            isBodiless
            ? .none
            : try .of(response.headers, minorVersion: line.minorVersion, absent: .untilEnd)
        body = try HTTPBodyReader(framing, limits: limits)
        return .head(response)
    }

    private mutating func readBody() throws(HTTPError) -> HTTPResponseEvent? {
        switch try body?.next(from: &buffer) {
        case .piece(let range):
            payload = range
            return .body
        case .end(let trailers):
            body = nil
            return .end(trailers: trailers)
        case .needsMore, nil: return nil
        }
    }
}
