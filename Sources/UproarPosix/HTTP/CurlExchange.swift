import CUproarCurl
import Glibc
import UproarCore
import UproarRuntime
import UproarWire

/// One request and its answer, on one of libcurl's easy handles.
final class CurlExchange: HTTPExchange {
    private enum Token: UInt64 { case badURL, firstByte, stall, total }

    private(set) var easy: UnsafeMutableRawPointer?
    private(set) var isOver = false

    /// The client keeps its exchanges, not they it.
    private weak var client: CurlHTTPClient?
    private let loop: EventLoop
    private let options: CurlHTTPClient.Options
    private let request: HTTPRequest
    private var handler: (any HTTPExchangeHandler)?
    private var body: UnsafeMutableRawBufferPointer?
    private var head = CurlHead()
    /// By token.
    private var timers = [TimerID](repeating: .none, count: 4)
    private var startedAt = Instant.zero
    /// When the head or the last piece of the body came; nil before.
    private var lastPieceAt: Instant?
    /// Gets libcurl's words about a failure.
    private let words = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(UPROAR_CURL_WORDS))

    init(client: CurlHTTPClient, request: HTTPRequest, handler: any HTTPExchangeHandler) {
        self.client = client
        loop = client.loop
        options = client.options
        self.request = request
        self.handler = handler
        words.initialize(repeating: 0)
    }

    deinit {
        release()
        words.deallocate()
    }

    func cancel() {
        guard !isOver else { return }
        end()
        client?.cancel(self)
    }

    /// The client goes: nothing is told any more.
    func abandon() { end() }

    /// Stops the timers and forgets the handler, which it answers: nothing is told after it.
    @discardableResult
    private func end() -> (any HTTPExchangeHandler)? {
        isOver = true
        for timer in timers { loop.cancel(timer) }
        defer { handler = nil }
        return handler
    }

    private func fail(_ failure: HTTPFailure) {
        guard !isOver else { return }
        end()?.failed(failure, on: self)
    }

    // MARK: Setting up

    /// The easy handle, ready to go; nil when the request cannot be one, which is told in the next turn.
    func prepare() -> UnsafeMutableRawPointer? {
        guard let url = try? WireURL(request.url), [.http, .https].contains(url.scheme) else {
            schedule(.badURL, at: loop.now)
            return nil
        }
        startedAt = loop.now
        if let limit = request.deadlines.firstByte { schedule(.firstByte, at: startedAt + limit) }
        if let limit = request.deadlines.total { schedule(.total, at: startedAt + limit) }
        copyBody()
        // A proxy of the environment is for what is outside.
        easy = makeEasy(isDirect: ["127.0.0.1", "::1", "localhost"].contains(url.host))
        return easy
    }

    private func copyBody() {
        guard !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) else {
            return
        }
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, request.body.count), alignment: 1)
        copy.copyBytes(from: request.body)
        body = copy
    }

    private func makeEasy(isDirect: Bool) -> UnsafeMutableRawPointer {
        CStrings.with(headerLines()) { lines in
            CStrings.withOptional(options.authorityFile) { authorityFile in
                request.method.withCString { method in
                    request.url.withCString { url in
                        var wish = uproar_curl_request()
                        wish.method = method
                        wish.url = url
                        wish.header_lines = UnsafeRawPointer(lines).assumingMemoryBound(
                            to: UnsafePointer<CChar>?.self)
                        wish.body = UnsafeRawPointer(body?.baseAddress)
                        wish.body_size = Int64(request.body.count)
                        wish.connect_milliseconds =
                            request.deadlines.connect.map {
                                max(1, Int($0.nanoseconds / 1_000_000))
                            } ?? 0
                        wish.verifies = options.verifies ? 1 : 0
                        wish.authority_file = authorityFile
                        wish.direct = isDirect ? 1 : 0
                        wish.words = words.baseAddress
                        wish.header = {
                            CurlExchange.from($3).receivedHeader(.init(start: $0, count: $1 * $2))
                        }
                        wish.piece = {
                            CurlExchange.from($3).receivedBody(.init(start: $0, count: $1 * $2))
                        }
                        wish.context = Unmanaged.passUnretained(self).toOpaque()
                        guard let easy = uproar_curl_easy_new(&wish) else {
                            preconditionFailure("libcurl has no memory")
                        }
                        return easy
                    }
                }
            }
        }
    }

    private func headerLines() -> [String] {
        var lines: [String] = []
        for field in request.headers where field.name.lowercased() != "expect" {
            // "Name;" is how libcurl spells a header without value.
            lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        // What libcurl would add by itself for bodies: a question before large ones, and a form's type.
        lines.append("Expect:")
        if body != nil, !request.headers.contains(where: { $0.name.lowercased() == "content-type" })
        {
            lines.append("Content-Type:")
        }
        return lines
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> CurlExchange {
        Unmanaged<CurlExchange>.fromOpaque(context!).takeUnretainedValue()
    }

    /// Gives back what belongs to libcurl. The handle must be out of the multi handle.
    func release() {
        if let easy { uproar_curl_easy_free(easy) }
        easy = nil
        body?.deallocate()
        body = nil
    }

    // MARK: What libcurl says, from within it

    /// Anything but the count ends the transfer.
    private func receivedHeader(_ line: UnsafeRawBufferPointer) -> Int {
        guard !isOver else { return 0 }
        if head.take(line) {
            lastPieceAt = loop.now
            if let limit = request.deadlines.stall {
                schedule(.stall, at: loop.now + limit)
            }
            handler?.answered(status: head.status, headers: head.fields, on: self)
        }
        return isOver ? 0 : line.count
    }

    private func receivedBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard !isOver else { return 0 }
        lastPieceAt = loop.now
        handler?.received(body: bytes.bytes, on: self)
        return isOver ? 0 : bytes.count
    }

    // MARK: The end

    /// `text` is libcurl's for the kind of failure; its words about this very one are better, where there are any.
    func finished(_ outcome: uproar_curl_outcome, _ text: String) {
        guard !isOver else { return }
        let text = words[0] == 0 ? text : String(cString: words.baseAddress!)
        switch outcome {
        case UPROAR_CURL_WELL where head.isWhole: end()?.finished(self)
        case UPROAR_CURL_UNREACHABLE: fail(.unreachable(text))
        case UPROAR_CURL_CONNECT_TIMED_OUT: fail(.timedOut("connect"))
        case UPROAR_CURL_TLS: fail(.tls(text))
        case UPROAR_CURL_UNTRUSTED: fail(.untrusted(text))
        case UPROAR_CURL_MALFORMED: fail(.malformed(text))
        default: fail(.cut)
        }
    }

    // MARK: Deadlines

    private func schedule(_ token: Token, at deadline: Instant) {
        timers[Int(token.rawValue)] = loop.schedule(
            self, token: token.rawValue, at: deadline)
    }

    private func timeOut(_ name: String) {
        let handler = end()
        client?.cancel(self)
        handler?.failed(.timedOut(name), on: self)
    }
}

extension CurlExchange: TimerHandler {
    func timerFired(token: UInt64, now: Instant) {
        guard !isOver else { return }
        switch Token(rawValue: token) {
        case .badURL: fail(.malformed("\(request.url) is not an HTTP URL"))
        case .firstByte: if lastPieceAt == nil { timeOut("first byte") }
        case .total: timeOut("total")
        case .stall:
            guard let limit = request.deadlines.stall, let lastPieceAt else { return }
            let due = lastPieceAt + limit
            if due <= now { timeOut("stall") } else { schedule(.stall, at: due) }
        case nil: preconditionFailure("no timer \(token)")
        }
    }
}
