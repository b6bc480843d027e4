import Testing
import UproarCore
import UproarRuntime

/// What every `HTTPClient` promises: the same outcome for the same server, whatever is underneath.
@Suite struct HTTPClientContractTests {
    /// One client with one scripted server.
    private struct Stage {
        let world: TestWorld
        let client: any HTTPClient
        let server: ScriptedHTTPServer

        init(
            _ kind: HTTPClientKind,
            answer: @escaping (ScriptedHTTPServer.Request) -> [ScriptedHTTPServer.Step]
        ) throws {
            world = TestWorld(kind.world)
            client = try kind.make(in: world)
            server = try ScriptedHTTPServer(world, answer: answer)
        }

        /// Sends and waits for the end.
        func exchange(_ request: HTTPRequest) -> ExchangeLog {
            let log = ExchangeLog()
            let exchange = client.send(request, handler: log)
            #expect(log.status == nil && log.end == nil, "nothing is heard before send returns")
            world.run { log.end != nil }
            _ = exchange
            #expect(log.callsAfterEnd == 0)
            return log
        }

        func get(
            _ path: String = "/", _ set: (inout HTTPDeadlines) -> Void = { _ in }
        ) -> ExchangeLog {
            var request = HTTPRequest(method: "GET", url: server.url(path))
            set(&request.deadlines)
            return exchange(request)
        }
    }

    private static func ok(_ body: String) -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test(arguments: HTTPClientKind.allCases)
    func aWholeAnswerIsHeardAndEnds(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in [.send(Self.ok("hello"))] }
        var request = HTTPRequest(method: "GET", url: stage.server.url("/a/b?c=d%20e"))
        request.headers = [HTTPField("X-Call", "7"), HTTPField("Authorization", "Token abc")]
        let log = stage.exchange(request)
        #expect(log.status == 200)
        #expect(log.header("content-type") == "text/plain")
        #expect(log.text == "hello")
        #expect(log.end == .finished)
        let head = try #require(stage.server.requests.first?.head)
        let lines = head.split(separator: "\r\n").map(String.init)
        #expect(lines.first == "GET /a/b?c=d%20e HTTP/1.1")
        #expect(lines.contains("X-Call: 7"))
        #expect(lines.contains("Authorization: Token abc"))
        #expect(lines.contains("Host: 127.0.0.1:\(stage.server.listener.endpoint.port)"))
    }

    @Test(arguments: HTTPClientKind.allCases)
    func aBodyIsSentWhole(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { [.send(Self.ok(String($0.body.count)))] }
        for size in [0, 1, 100_000, 1_500_001] {
            let body = [UInt8](repeating: UInt8(size & 0xff), count: size)
            let log = stage.exchange(
                HTTPRequest(
                    method: "POST", url: stage.server.url(),
                    headers: [HTTPField("Content-Type", "audio/wav"), HTTPField("Expect", "")],
                    body: body))
            #expect(log.text == String(size))
            #expect(stage.server.requests.last?.body == body)
        }
    }

    @Test(arguments: HTTPClientKind.allCases, [404, 429, 503])
    func errorStatusesAreAnswersWithBodies(kind: HTTPClientKind, status: Int) throws {
        let body = #"{"err":"busy"}"#
        let stage = try Stage(kind) { _ in
            [
                .send(
                    "HTTP/1.1 \(status) Sorry\r\nRetry-After: 3\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            ]
        }
        let log = stage.get()
        #expect(log.status == status)
        #expect(log.header("Retry-After") == "3")
        #expect(log.text == body)
        #expect(log.end == .finished)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func redirectsAreAnswersToo(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in
            [.send("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")]
        }
        let log = stage.get()
        #expect(log.status == 302)
        #expect(log.end == .finished)
        #expect(stage.server.requests.count == 1)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func chunksAreHeardAsTheyCome(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in
            [
                .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                .send("5\r\nfirst\r\n"), .wait(.milliseconds(20)),
                .send("6\r\nsecond\r\n"), .wait(.milliseconds(20)),
                .send("0\r\n\r\n"),
            ]
        }
        let start = stage.world.loop.now
        let log = ExchangeLog()
        var firstAt = Instant.zero
        log.onReceived = { if log.text == "first" { firstAt = stage.world.loop.now } }
        let exchange = stage.client.send(
            HTTPRequest(method: "GET", url: stage.server.url()), handler: log)
        stage.world.run { log.end != nil }
        _ = exchange
        #expect(log.text == "firstsecond")
        #expect(log.end == .finished)
        #expect(firstAt >= start && firstAt + .milliseconds(30) < stage.world.loop.now)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func aBodyWithoutLengthEndsWithTheStream(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in
            [.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it"), .close]
        }
        let log = stage.get()
        #expect(log.text == "all of it")
        #expect(log.end == .finished)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func aLargeBodyArrivesWhole(kind: HTTPClientKind) throws {
        let body = (0..<20).flatMap { [UInt8](repeating: $0, count: 50_000) }
        let stage = try Stage(kind) { _ in
            [
                .send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n"),
                .sendBytes(body),
            ]
        }
        let log = stage.get()
        #expect(log.body == body)
        #expect(log.pieceCount > 1)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func anAnswerCutInItsBodyFails(kind: HTTPClientKind) throws {
        for how in [ScriptedHTTPServer.Step.close, .reset] {
            let stage = try Stage(kind) { _ in
                [
                    .send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"),
                    .wait(.milliseconds(5)), how,
                ]
            }
            let log = stage.get()
            #expect(log.status == 200)
            #expect(log.text == "only this")
            #expect(log.end == .failed(.cut))
        }
    }

    @Test(arguments: HTTPClientKind.allCases)
    func anAnswerCutInAChunkedBodyFails(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in
            [.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndata\r\n"), .close]
        }
        #expect(stage.get().end == .failed(.cut))
    }

    @Test(arguments: HTTPClientKind.allCases)
    func anEndBeforeTheAnswerFails(kind: HTTPClientKind) throws {
        for how in [ScriptedHTTPServer.Step.close, .reset] {
            let stage = try Stage(kind) { _ in [how] }
            let log = stage.get()
            #expect(log.status == nil)
            #expect(log.end == .failed(.cut))
        }
    }

    @Test(arguments: HTTPClientKind.allCases)
    func aServerThatAcceptsAndNeverAnswersPassesTheFirstByteDeadline(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in [] }
        let start = stage.world.loop.now
        let log = stage.get { $0.firstByte = .milliseconds(60) }
        #expect(log.end == .failed(.timedOut("first byte")))
        #expect(stage.world.loop.now - start >= .milliseconds(60))
        stage.world.run { stage.server.closedCount == 1 }
    }

    @Test(arguments: HTTPClientKind.allCases)
    func aBodyThatStallsPassesTheStallDeadline(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in
            [.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")]
        }
        let log = stage.get {
            $0.firstByte = .milliseconds(50)
            $0.stall = .milliseconds(60)
        }
        #expect(log.status == 200)
        #expect(log.text == "some")
        #expect(log.end == .failed(.timedOut("stall")))
    }

    @Test(arguments: HTTPClientKind.allCases)
    func aSlowBodyIsNoStall(kind: HTTPClientKind) throws {
        let pieces = (0..<10).flatMap { _ in
            [ScriptedHTTPServer.Step.wait(.milliseconds(15)), .send("0123456789")]
        }
        let stage = try Stage(kind) { _ in
            [.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")] + pieces
        }
        let log = stage.get {
            $0.firstByte = .seconds(5)
            $0.stall = .seconds(5)
        }
        #expect(log.body.count == 100)
        #expect(log.end == .finished)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func theTotalDeadlineCountsFromTheRequest(kind: HTTPClientKind) throws {
        let pieces = (0..<50).flatMap { _ in
            [ScriptedHTTPServer.Step.wait(.milliseconds(10)), .send("x")]
        }
        let stage = try Stage(kind) { _ in
            [.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")] + pieces
        }
        let start = stage.world.loop.now
        let log = stage.get { $0.total = .milliseconds(100) }
        #expect(log.end == .failed(.timedOut("total")))
        #expect(stage.world.loop.now - start >= .milliseconds(100))
        #expect(log.body.count < 50)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func nothingListensMeansUnreachable(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in [] }
        stage.server.listener.close()
        let log = stage.get()
        guard case .failed(.unreachable(let words)) = log.end else {
            Issue.record("\(String(describing: log.end))")
            return
        }
        #expect(!words.isEmpty)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func whatIsNoHTTPIsMalformed(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in [.send("SSH-2.0-OpenSSH_9.2\r\n\r\n"), .close] }
        guard case .failed(.malformed) = stage.get().end else {
            Issue.record("an SSH banner is no answer")
            return
        }
    }

    @Test(arguments: HTTPClientKind.allCases)
    func whatIsNoURLFails(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in [] }
        for url in ["", "no url", "ftp://127.0.0.1/"] {
            let log = stage.exchange(HTTPRequest(method: "GET", url: url))
            guard case .failed(.malformed) = log.end else {
                Issue.record("\(url): \(String(describing: log.end))")
                continue
            }
        }
    }

    @Test(arguments: HTTPClientKind.allCases)
    func aCancelledExchangeIsHeardNoMore(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in
            [
                .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234"),
                .wait(.milliseconds(20)),
                .send("56789"),
            ]
        }
        let log = ExchangeLog()
        let exchange = stage.client.send(
            HTTPRequest(method: "GET", url: stage.server.url()), handler: log)
        log.onReceived = { exchange.cancel() }
        stage.world.run { stage.server.closedCount == 1 }
        #expect(log.text == "01234")
        #expect(log.end == nil)
        exchange.cancel()
        let early = ExchangeLog()
        stage.client.send(HTTPRequest(method: "GET", url: stage.server.url()), handler: early)
            .cancel()
        stage.world.loop.run(until: stage.world.loop.now + .milliseconds(30))
        #expect(early.status == nil && early.end == nil)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func oneConnectionServesRequestsOneAfterTheOther(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { [.send(Self.ok("\($0.connection)"))] }
        for _ in 0..<5 { #expect(stage.get().text == "0") }
        #expect(stage.server.connectionCount == 1)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func requestsAtTheSameTimeDoNotWaitForEachOther(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { request in
            request.head.hasPrefix("GET /slow")
                ? [.hold, .send(Self.ok("slow"))] : [.send(Self.ok("fast"))]
        }
        let slow = ExchangeLog()
        let fast = ExchangeLog()
        let exchanges = [
            stage.client.send(
                HTTPRequest(method: "GET", url: stage.server.url("/slow")), handler: slow),
            stage.client.send(
                HTTPRequest(method: "GET", url: stage.server.url("/fast")), handler: fast),
        ]
        stage.world.run { fast.end != nil }
        #expect(slow.end == nil)
        stage.server.release()
        stage.world.run { slow.end != nil }
        #expect(slow.text == "slow" && fast.text == "fast")
        #expect(exchanges.count == 2)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func aConnectionThatTheServerClosedIsNotUsedAgain(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { _ in
            [.send(Self.ok("kept")), .wait(.milliseconds(5)), .close]
        }
        #expect(stage.get().text == "kept")
        stage.world.run { stage.server.closedCount == 1 }
        stage.world.loop.run(until: stage.world.loop.now + .milliseconds(5))
        #expect(stage.get().text == "kept")
        #expect(stage.server.connectionCount == 2)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func aRequestOnAConnectionThatDiesUnderItIsSentAgainOnce(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { request in
            // The first connection answers once and resets at the second request.
            let isSecond = request.head.hasPrefix("GET /second")
            return isSecond && request.connection == 0 ? [.reset] : [.send(Self.ok("here"))]
        }
        #expect(stage.get("/first").text == "here")
        let log = stage.get("/second")
        #expect(log.text == "here")
        #expect(log.end == .finished)
        #expect(stage.server.requests.map(\.connection) == [0, 0, 1])
    }

    @Test(arguments: HTTPClientKind.allCases)
    func theNextRequestMayStartInFinished(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { [.send(Self.ok("\($0.connection)"))] }
        let first = ExchangeLog()
        let second = ExchangeLog()
        var exchanges: [any HTTPExchange] = []
        first.onFinished = {
            exchanges.append(
                stage.client.send(
                    HTTPRequest(method: "GET", url: stage.server.url()), handler: second))
        }
        exchanges.append(
            stage.client.send(HTTPRequest(method: "GET", url: stage.server.url()), handler: first))
        stage.world.run { second.end != nil }
        #expect(second.text == "0", "the connection is free again by then")
        #expect(exchanges.count == 2)
    }

    @Test(arguments: HTTPClientKind.allCases)
    func anAnswerToHeadHasNoBody(kind: HTTPClientKind) throws {
        let stage = try Stage(kind) { request in
            request.head.hasPrefix("HEAD")
                ? [.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")] : [.send(Self.ok("body"))]
        }
        let log = stage.exchange(HTTPRequest(method: "HEAD", url: stage.server.url()))
        #expect(log.status == 200 && log.body.isEmpty)
        #expect(log.end == .finished)
        #expect(stage.get().text == "body")
        #expect(stage.server.connectionCount == 1)
    }
}
