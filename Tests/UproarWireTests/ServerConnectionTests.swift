import Testing
import UproarCore

@testable import UproarWire

@Suite struct ServerConnectionTests {
    /// A peer of a server under test: feeds bytes, logs events, takes the output.
    final class Driver {
        var connection: ServerConnection
        var log: [String] = []

        init(_ connection: consuming ServerConnection = ServerConnection()) {
            self.connection = connection
        }

        func receive(_ text: String) { receive(Array(text.utf8)) }

        func receive(_ bytes: [UInt8]) {
            connection.receive(bytes.span.bytes)
            drain()
        }

        func drain() {
            while let event = connection.next() {
                switch event {
                case .request(let head): log.append("\(head.method) \(head.target)")
                case .upgrade(let head): log.append("upgrade \(head.target)")
                case .body:
                    log.append("body \(String(decoding: connection.payloadBytes, as: UTF8.self))")
                case .requestEnd:
                    log.append("end \(String(decoding: connection.body, as: UTF8.self))")
                case .text: log.append("text \(connection.payloadText)")
                case .binary: log.append("binary \(connection.payloadBytes)")
                case .ping: log.append("ping \(connection.payloadText)")
                case .pong: log.append("pong \(connection.payloadText)")
                case .closed(let code): log.append("closed \(code) \(connection.payloadText)")
                case .failed(let error): log.append("failed: \(error)")
                }
            }
        }

        var isOver: Bool { connection.shouldClose }

        func outputBytes() -> [UInt8] {
            defer { connection.output.removeAll() }
            return connection.output
        }

        func output() -> String { String(decoding: outputBytes(), as: UTF8.self) }
    }

    static let upgrade =
        "GET /ws?a=1 HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, token\r\n\r\n"

    func frame(_ opcode: WebSocketOpcode, _ text: String) -> [UInt8] {
        var output: [UInt8] = []
        WebSocketFrame.encode(opcode, Array(text.utf8).span.bytes, mask: 77, into: &output)
        return output
    }

    @Test func answersARequest() {
        let peer = Driver()
        peer.receive("POST /v1/chat HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}")
        #expect(peer.log == ["POST /v1/chat", "end {}"])
        peer.connection.respond(
            status: 200, headers: ["Content-Type": "application/json"], body: [0x5b, 0x5d])
        #expect(
            peer.output()
                == "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
        )
        #expect(!peer.isOver)
    }

    @Test func keepsPipelinedRequestsUntilTheirTurn() {
        let peer = Driver()
        peer.receive("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(peer.log == ["GET /1", "end "])
        peer.connection.respond(status: 204)
        peer.drain()
        #expect(peer.log.suffix(2) == ["GET /2", "end "])
        peer.connection.startBody(HTTPResponseHead(status: 200))
        peer.connection.sendBody("data: x\n\n")
        peer.connection.sendBody("")
        peer.connection.endBody(trailers: ["t": "1"])
        #expect(
            peer.output()
                == "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: x\n\n\r\n0\r\nt: 1\r\n\r\n"
        )
    }

    @Test func keepsNoEndlessQueueBehindARequestThatAwaitsItsAnswer() {
        let peer = Driver(ServerConnection(limits: HTTPLimits(waitingBytes: 100)))
        peer.receive("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n")
        peer.receive([UInt8](repeating: 0x20, count: 100))
        #expect(peer.log == ["GET /1", "end "])
        peer.receive([0x20])
        #expect(
            peer.log.last
                == "failed: more than 100 bytes came before the answer to what came earlier")
        #expect(peer.output().hasPrefix("HTTP/1.1 413 "))
        #expect(peer.isOver)
        // The answer that comes too late is dropped.
        peer.connection.respond(status: 200)
        #expect(peer.output().isEmpty)

        let socket = Driver(ServerConnection(limits: HTTPLimits(waitingBytes: 100)))
        socket.receive(Self.upgrade)
        socket.receive([UInt8](repeating: 0x82, count: 101))
        #expect(socket.isOver)
    }

    @Test func tellsAnHTTP10PeerThatTheConnectionStays() {
        let old = Driver()
        old.receive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        old.connection.respond(status: 200)
        #expect(
            old.output()
                == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n")
        #expect(!old.isOver)
        old.receive("GET / HTTP/1.0\r\n\r\n")
        old.connection.respond(status: 200)
        #expect(old.isOver)
    }

    @Test func closesWhereThePeerWantsItOrHTTP10DoesNotKnowBetter() {
        let peer = Driver()
        peer.receive("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        peer.connection.respond(status: 200)
        #expect(
            peer.output() == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        #expect(peer.isOver)
        let old = Driver()
        old.receive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        old.connection.startBody(HTTPResponseHead(status: 200))
        old.connection.sendBody("abc")
        old.connection.endBody()
        #expect(old.output() == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc")
        #expect(old.isOver)
    }

    @Test func sendsNoBodyToHEAD() {
        let peer = Driver()
        peer.receive("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        peer.connection.respond(status: 200, body: [1, 2, 3])
        #expect(peer.output() == "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        peer.receive("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        peer.connection.startBody(HTTPResponseHead(status: 200))
        peer.connection.sendBody("abc")
        peer.connection.endBody()
        #expect(peer.output() == "HTTP/1.1 200 OK\r\n\r\n")
    }

    @Test func saysContinueUnlessRefusedOnSight() {
        let head = "PUT /o HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        let peer = Driver()
        peer.receive(head)
        #expect(peer.output() == "HTTP/1.1 100 Continue\r\n\r\n")
        peer.receive("abc")
        #expect(peer.log == ["PUT /o", "end abc"])

        var refused = ServerConnection()
        refused.receive(Array(head.utf8).span.bytes)
        guard case .request = refused.next() else { return #expect(Bool(false)) }
        refused.respond(status: 503)
        let answer = String(decoding: refused.output, as: UTF8.self)
        let isOver = refused.shouldClose
        #expect(isOver)
        #expect(
            answer
                == "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    }

    @Test func readsAnAnsweredRequestToItsEnd() {
        var connection = ServerConnection(gathersBodies: false)
        connection.receive(
            Array("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc".utf8).span.bytes)
        guard case .request = connection.next() else { return #expect(Bool(false)) }
        let event = connection.next()
        let payload = connection.payloadBytes
        #expect(event == .body && payload == Array("abc".utf8))
        connection.respond(status: 413)
        connection.receive(Array("defGET /next HTTP/1.1\r\nHost: h\r\n\r\n".utf8).span.bytes)
        guard case .request(let head) = connection.next() else { return #expect(Bool(false)) }
        #expect(head.target == "/next")
    }

    @Test func answersNonsenseAndCloses() {
        let peer = Driver()
        peer.receive("nonsense\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(peer.log == ["failed: the first line is not HTTP/1.1"])
        #expect(peer.output().hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(peer.isOver)
        // An answer that comes too late is dropped.
        peer.connection.respond(status: 200)
        #expect(peer.output().isEmpty)
    }

    @Test func noticesWhereAStreamEnds() {
        let idle = Driver()
        idle.connection.streamEnded()
        idle.drain()
        #expect(idle.log.isEmpty && idle.isOver)
        let cut = Driver()
        cut.receive("GET / HT")
        cut.connection.streamEnded()
        cut.drain()
        #expect(cut.log == ["failed: the stream ended inside a message"])
        // A peer that only closed its sending side still gets its answer.
        let half = Driver()
        half.receive("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        half.connection.streamEnded()
        half.drain()
        half.connection.respond(status: 200)
        half.drain()
        #expect(half.output().hasPrefix("HTTP/1.1 200"))
        #expect(half.log == ["GET /", "end "])
        #expect(half.isOver)
    }

    @Test func upgradesAndTalks() {
        let peer = Driver()
        // The first message comes with the handshake, before it was answered.
        peer.receive(Array(Self.upgrade.utf8) + frame(.text, "early"))
        #expect(peer.log == ["upgrade /ws?a=1"])
        peer.connection.acceptUpgrade(subprotocol: "token", headers: ["dg-request-id": "1"])
        #expect(
            peer.output()
                == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: token\r\ndg-request-id: 1\r\n\r\n"
        )
        peer.drain()
        peer.receive(frame(.ping, "p") + frame(.binary, "\u{1}") + frame(.pong, "q"))
        #expect(
            peer.log.dropFirst() == ["text early", "ping p", "binary [1]", "pong q"])
        #expect(peer.outputBytes() == [0x8a, 1, 0x70])
        peer.connection.sendText("hi")
        #expect(peer.outputBytes() == [0x81, 2, 0x68, 0x69])
        peer.receive(frame(.close, "\u{b}\u{78}"))
        #expect(peer.isOver)
    }

    @Test func answersPingsAndCloses() {
        let peer = Driver()
        peer.receive(Self.upgrade)
        peer.connection.acceptUpgrade()
        _ = peer.output()
        peer.receive(frame(.ping, "p"))
        #expect(peer.outputBytes() == [0x8a, 1, 0x70])
        peer.connection.answersPings = false
        peer.receive(frame(.ping, "p"))
        #expect(peer.outputBytes().isEmpty)
        var close: [UInt8] = []
        WebSocketFrame.encode(.close, [UInt8]([0x0f, 0xa1]).span.bytes, mask: 3, into: &close)
        peer.receive(close + frame(.text, "late"))
        #expect(peer.log.last == "closed 4001 ")
        #expect(peer.outputBytes() == [0x88, 2, 0x0f, 0xa1])
        #expect(peer.isOver)
    }

    @Test func closesFirst() {
        let peer = Driver()
        peer.receive(Self.upgrade)
        peer.connection.acceptUpgrade()
        _ = peer.output()
        peer.connection.close(.internalError, reason: String(repeating: "ü", count: 100))
        // 2 bytes of code and 61 whole letters of 2 bytes.
        let frame = peer.outputBytes()
        #expect(frame.count == 2 + 2 + 122)
        #expect(frame.starts(with: [0x88, 124, 0x03, 0xf3]))
        peer.connection.sendText("late")
        peer.connection.close(.normal)
        peer.receive(self.frame(.text, "still coming") + self.frame(.ping, ""))
        #expect(peer.outputBytes().isEmpty)
        #expect(!peer.isOver)
        var close: [UInt8] = []
        WebSocketFrame.encode(.close, [UInt8]([0x03, 0xf3]).span.bytes, mask: 3, into: &close)
        peer.receive(close)
        #expect(peer.log.suffix(3) == ["text still coming", "ping ", "closed 1011 "])
        #expect(peer.outputBytes().isEmpty && peer.isOver)
    }

    @Test func closesOnNonsenseWithTheRightCode() {
        let peer = Driver(ServerConnection(messageLimit: 10))
        peer.receive(Self.upgrade)
        peer.connection.acceptUpgrade()
        _ = peer.output()
        peer.receive(frame(.text, "more than ten bytes"))
        #expect(peer.log.last == "failed: a message is longer than 10 bytes")
        #expect(peer.outputBytes()[2...3] == [0x03, 0xf1])
        #expect(peer.isOver)
    }

    @Test func reportsAnEndWithoutClose() {
        let peer = Driver()
        peer.receive(Self.upgrade)
        peer.connection.acceptUpgrade()
        peer.receive(frame(.text, "a"))
        peer.connection.streamEnded()
        peer.drain()
        #expect(peer.log == ["upgrade /ws?a=1", "text a", "closed 1006 "])
    }

    @Test func refusesAnUpgradeLikeAnyRequest() {
        let peer = Driver()
        peer.receive(Self.upgrade)
        peer.connection.respond(status: 401, headers: ["dg-error": "no"], body: Array("{}".utf8))
        #expect(
            peer.output()
                == "HTTP/1.1 401 Unauthorized\r\ndg-error: no\r\nContent-Length: 2\r\n\r\n{}")
        peer.receive("GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(peer.log.suffix(2) == ["GET /next", "end "])
    }

    @Test(arguments: [
        (
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "426",
            "Sec-WebSocket-Version: 13"
        ),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: short", "400", ""),
        ("keep-alive, upgrade", "keep-alive", "400", ""),
        ("GET", "POST", "400", ""),
    ])
    func answersBadUpgradesItself(found: String, replacement: String, status: String, field: String)
    {
        let peer = Driver()
        var text = Self.upgrade
        text.replaceSubrange(text.firstRange(of: found)!, with: replacement)
        peer.receive(text)
        #expect(peer.log.count == 1 && peer.log[0].hasPrefix("failed"))
        let output = peer.output()
        #expect(output.hasPrefix("HTTP/1.1 \(status) ") && output.contains(field))
        #expect(peer.isOver)
    }

    @Test func readsTheSameHoweverTheStreamIsCut() {
        var bytes = Array("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc".utf8)
        bytes += Array(Self.upgrade.utf8) + frame(.text, "one") + frame(.ping, "two")
        expectSameInPieces(bytes) { pieces -> [String] in
            let peer = Driver()
            for piece in pieces {
                peer.receive(piece)
                if peer.log.last == "end abc" {
                    peer.connection.respond(status: 200)
                    peer.log.append("answered")
                    peer.drain()
                }
                if peer.log.last?.hasPrefix("upgrade") == true {
                    peer.connection.acceptUpgrade()
                    peer.log.append("accepted")
                    peer.drain()
                }
            }
            return peer.log + [peer.output()]
        }
    }
}
