import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime

/// What is libcurl's own: calls from within it, its end with exchanges under way, heads that come in several parts.
@Suite struct CurlHTTPClientTests {
    private let world = TestWorld(.posix)

    private func makeClient() throws -> CurlHTTPClient {
        CurlHTTPClient(loop: world.loop, driver: try #require(world.loop.driver as? PosixDriver))
    }

    private static func ok(_ body: String) -> ScriptedHTTPServer.Step {
        .send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    private func get(_ server: ScriptedHTTPServer, _ path: String = "/") -> HTTPRequest {
        HTTPRequest(method: "GET", url: server.url(path))
    }

    @Test func handlersMaySendAndCancelFromWithinLibcurl() throws {
        let client = try makeClient()
        let server = try ScriptedHTTPServer(world) { request in
            request.head.hasPrefix("GET /long")
                ? [
                    .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234"),
                    .wait(.milliseconds(20)), .send("56789"),
                ] : [Self.ok("short")]
        }
        let logs = (0..<3).map { _ in ExchangeLog() }
        var exchanges: [any HTTPExchange] = []
        for log in logs[..<2] { exchanges.append(client.send(get(server, "/long"), handler: log)) }
        // The first to be heard cancels the other and itself, and asks for something else.
        var first: Int?
        for index in 0..<2 {
            logs[index].onReceived = {
                guard first == nil else { return }
                first = index
                exchanges[1 - index].cancel()
                exchanges[index].cancel()
                exchanges.append(client.send(self.get(server), handler: logs[2]))
                #expect(logs[2].status == nil)
            }
        }
        world.run { logs[2].end != nil && server.closedCount == 2 }
        #expect(logs[2].text == "short")
        #expect(logs[0].end == nil && logs[1].end == nil)
        #expect(logs[0].body.count + logs[1].body.count == 5)
    }

    /// libcurl 7.88 closes a socket that is still connecting before it takes back its watch.
    @Test func anExchangeThatIsGivenUpWhileItConnectsLeavesTheClientWell() throws {
        let deaf = try DeafListener()
        let client = try makeClient()
        let server = try ScriptedHTTPServer(world) { _ in [Self.ok("x")] }
        for _ in 0..<3 {
            let log = ExchangeLog()
            let exchange = client.send(
                HTTPRequest(method: "GET", url: "http://127.0.0.1:\(deaf.port)/"), handler: log)
            let limit = world.loop.now + .milliseconds(30)
            world.run { world.loop.now >= limit }
            exchange.cancel()
            let answered = ExchangeLog()
            _ = client.send(get(server), handler: answered)
            world.run { answered.end == .finished }
            #expect(log.status == nil && log.end == nil)
        }
    }

    @Test func aClientThatGoesLeavesNoConnectionAndSaysNothingMore() throws {
        let server = try ScriptedHTTPServer(world) { request in
            request.head.hasPrefix("GET /mute") ? [] : [Self.ok("x")]
        }
        let log = ExchangeLog()
        do {
            var client: CurlHTTPClient? = try makeClient()
            let kept = ExchangeLog()
            _ = client?.send(get(server), handler: kept)
            world.run { kept.end == .finished }
            _ = client?.send(get(server, "/mute"), handler: log)
            _ = client?.send(get(server, "/mute"), handler: ExchangeLog())
            world.run { server.requests.count == 3 }
            client = nil
        }
        world.run { server.closedCount == server.connectionCount }
        #expect(server.connectionCount == 2)
        #expect(log.status == nil && log.end == nil)
    }

    @Test func interimHeadsAndTrailersAreNotTheAnswersOwn() throws {
        let client = try makeClient()
        let server = try ScriptedHTTPServer(world) { _ in
            [
                .send(
                    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\n"
                        + "X-Empty:\r\nX-Spaced:  a b  \r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n"
                        + "2\r\nhi\r\n0\r\nT: late\r\n\r\n")
            ]
        }
        let log = ExchangeLog()
        let exchange = client.send(get(server), handler: log)
        world.run { log.end != nil }
        _ = exchange
        #expect(log.status == 201)
        #expect(log.text == "hi")
        #expect(log.headers.map(\.name) == ["X-Empty", "X-Spaced", "Transfer-Encoding", "Trailer"])
        #expect(log.header("x-empty") == "")
        #expect(log.header("X-Spaced") == "a b")
    }

    @Test func whatLibcurlWouldAddByItselfIsNotSent() throws {
        let client = try makeClient()
        let server = try ScriptedHTTPServer(world) { _ in [Self.ok("x")] }
        for (method, headers) in [
            ("POST", []), ("PUT", [HTTPField("Content-Type", "audio/wav")]), ("DELETE", []),
            ("GET", [HTTPField("X-Empty", "")]),
        ] as [(String, [HTTPField])] {
            let body = method == "POST" ? [UInt8](repeating: 1, count: 1 << 21) : []
            let log = ExchangeLog()
            let exchange = client.send(
                HTTPRequest(method: method, url: server.url(), headers: headers, body: body),
                handler: log)
            world.run { log.end != nil }
            _ = exchange
            #expect(log.end == .finished)
        }
        let heads = server.requests.map { request in
            request.head.split(separator: "\r\n").map(String.init)
        }
        let host = "Host: 127.0.0.1:\(server.listener.endpoint.port)"
        #expect(
            heads == [
                ["POST / HTTP/1.1", host, "Accept: */*", "Content-Length: 2097152"],
                [
                    "PUT / HTTP/1.1", host, "Accept: */*", "Content-Type: audio/wav",
                    "Content-Length: 0",
                ],
                ["DELETE / HTTP/1.1", host, "Accept: */*"],
                ["GET / HTTP/1.1", host, "Accept: */*", "X-Empty:"],
            ])
    }

    @Test func aNameThatDoesNotExistIsUnreachable() throws {
        let client = try makeClient()
        let log = ExchangeLog()
        // RFC 6761 §6.4: `.invalid` never resolves.
        let exchange = client.send(
            HTTPRequest(method: "GET", url: "http://nowhere.invalid/"), handler: log)
        world.run(within: .seconds(20)) { log.end != nil }
        _ = exchange
        guard case .failed(.unreachable(let words)) = log.end else {
            Issue.record("\(String(describing: log.end))")
            return
        }
        #expect(words.contains("nowhere.invalid"))
    }
}

/// A listener whose queue is full: who connects waits.
private final class DeafListener {
    private(set) var port: UInt16
    private var sockets: [Int32] = []

    init() throws {
        func made() throws -> Int32 {
            let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | 0o4000, 0)
            sockets.append(number)
            return try #require(number >= 0 ? number : nil)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        func with<Result>(_ body: (UnsafeMutablePointer<sockaddr>) -> Result) -> Result {
            withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
            }
        }
        port = 0
        let listener = try made()
        try #require(with { bind(listener, $0, length) } == 0)
        try #require(listen(listener, 0) == 0)
        try #require(with { getsockname(listener, $0, &length) } == 0)
        for _ in 0..<4 {
            let other = try made()
            _ = with { connect(other, $0, length) }
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { for number in sockets { close(number) } }
}
