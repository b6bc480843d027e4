import UproarCore

/// One thing a peer sent in a request. The bytes of a body piece are in the decoder until its next call.
package enum HTTPRequestEvent: Hashable, Sendable {
    case head(HTTPRequestHead)
    /// Some of the body (`withPayload`), as it arrived: pieces have no meaning of their own.
    case body
    case end(trailers: HTTPHeaders)
    /// Nothing follows.
    case failed(HTTPError)
}

/// Reads HTTP/1.0 and 1.1 requests, one after the other, from bytes cut anywhere (RFC 9112, server role).
///
/// Requests that come before the one before was answered (pipelining) wait in the buffer until `next()` is called again after
/// `.end`: whoever answers in order simply calls it only then. How much may wait is the stream's flow control's business.
package struct HTTPRequestDecoder: ~Copyable {
    private let limits: HTTPLimits
    private var buffer = InputBuffer()
    private var head: HTTPHeadReader
    private var body: HTTPBodyReader?
    private var payload: Range<Int> = 0..<0
    private var isOver = false

    package init(limits: HTTPLimits = .init()) {
        self.limits = limits
        head = HTTPHeadReader(limits: limits)
    }

    /// Bytes received and not yet read.
    package var waitingByteCount: Int { buffer.count }

    package mutating func receive(_ bytes: RawSpan) {
        guard !isOver else { return }
        payload = 0..<0
        buffer.append(bytes)
    }

    /// The next event, or nil when more bytes are needed.
    package mutating func next() -> HTTPRequestEvent? {
        guard !isOver else { return nil }
        payload = 0..<0
        do {
            return try read()
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

    /// What came after the last request: the first bytes of another protocol, once an upgrade is accepted. Nothing is read after it.
    package mutating func takeRest() -> [UInt8] {
        isOver = true
        payload = 0..<0
        return buffer.takeAll()
    }

    /// Whether a request has begun and not ended: the stream must not end here.
    package var isInsideMessage: Bool { !isOver && (body != nil || !buffer.isEmpty) }

    private mutating func read() throws(HTTPError) -> HTTPRequestEvent? {
        if body != nil { return try readBody() }
        guard let lines = try head.next(from: &buffer, skipsEmptyLines: true),
            let first = lines.first
        else { return nil }
        let line = try HTTPHeadReader.requestLine(first)
        let headers = try head.fields(lines.dropFirst())
        let hosts = headers.all("Host").count
        guard hosts == 1 || (hosts == 0 && line.minorVersion == 0) else { throw .hostMissing }
        let framing = try HTTPBodyFraming.of(
            headers, minorVersion: line.minorVersion, absent: .none)
        body = try HTTPBodyReader(framing, limits: limits)
        return .head(
            HTTPRequestHead(
                method: line.method, target: line.target, headers: headers,
                minorVersion: line.minorVersion))
    }

    private mutating func readBody() throws(HTTPError) -> HTTPRequestEvent? {
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
