import Testing
import UproarCore

@testable import UproarWire

@Suite struct WebSocketClientConnectionTests {
    static let random = Seed(5).stream("test")

    static func dial(subprotocols: [String] = []) -> WebSocketClientConnection {
        WebSocketClientConnection(
            url: WireURL(scheme: .ws, host: "::1", port: 9, path: "/a", query: "b=c"),
            headers: ["Authorization": "Token x", "upgrade": "no"], subprotocols: subprotocols,
            random: random)
    }

    static var accept: String {
        var random = random
        return WebSocketHandshake.accept(key: WebSocketHandshake.key(&random))
    }

    static var answer: String {
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: \(accept)\r\n\r\n"
    }

    func events(_ connection: inout WebSocketClientConnection) -> [String] {
        var log: [String] = []
        while let event = connection.next() {
            switch event {
            case .open(let head): log.append("open \(head.status)")
            case .refused(let refusal):
                log.append(
                    "refused \(refusal.head.status) \(String(decoding: refusal.body, as: UTF8.self))"
                )
            case .text, .binary, .ping, .pong: log.append("\(event) \(connection.payloadText)")
            case .closed(let code): log.append("closed \(code) \(connection.payloadText)")
            case .failed(let error): log.append("failed \(error)")
            }
        }
        return log
    }

    func events(
        after text: String, subprotocols: [String] = [], ended: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> [String] {
        expectSameInPieces(Array(text.utf8), sourceLocation: sourceLocation) { pieces in
            var connection = Self.dial(subprotocols: subprotocols)
            var log: [String] = []
            for piece in pieces {
                connection.receive(piece.span.bytes)
                log += events(&connection)
            }
            if ended {
                connection.streamEnded()
                log += events(&connection)
            }
            return log + [connection.shouldClose ? "over" : "on"]
        }
    }

    @Test func writesItsRequest() {
        var random = Self.random
        let key = WebSocketHandshake.key(&random)
        #expect(Base64.decode(key)?.count == 16)
        let request = String(decoding: Self.dial(subprotocols: ["a", "b"]).output, as: UTF8.self)
        #expect(
            request
                == "GET /a?b=c HTTP/1.1\r\nHost: [::1]:9\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\nAuthorization: Token x\r\n\r\n"
        )
    }

    @Test func opensAndReadsWhatComesRightBehind() {
        #expect(
            events(after: Self.answer + "\u{01}\u{02}he\u{00}\u{00}", ended: true)
                == ["open 101", "closed 1006 ", "over"])
        #expect(
            events(after: "HTTP/1.1 103 Hints\r\n\r\n" + Self.answer)
                == ["open 101", "on"])
    }

    @Test func talksToAServer() {
        var server = ServerConnection()
        var dialled = Self.dial()
        var serverLog: [String] = []
        var dialledLog: [String] = []
        for round in 0..<6 {
            server.receive(dialled.output.span.bytes)
            dialled.output.removeAll()
            while let event = server.next() {
                switch event {
                case .upgrade: server.acceptUpgrade()
                case .text: serverLog.append("text \(server.payloadText)")
                case .closed(let code): serverLog.append("closed \(code) \(server.payloadText)")
                default: serverLog.append("\(event)")
                }
            }
            dialled.receive(server.output.span.bytes)
            server.output.removeAll()
            dialledLog += events(&dialled)
            switch round {
            case 0: dialled.sendText("hello")
            case 1: server.sendBinary(Array("yes".utf8).span.bytes)
            case 2: server.ping(Array("?".utf8).span.bytes)
            case 3: dialled.close(.normal, reason: "done")
            default: break
            }
        }
        #expect(serverLog == ["text hello", "pong", "closed 1000 done"])
        #expect(dialledLog == ["open 101", "binary yes", "ping ?", "closed 1000 "])
        let areOver = (server.shouldClose, dialled.shouldClose)
        #expect(areOver.0 && areOver.1)
    }

    @Test func reportsARefusalWithItsBody() {
        #expect(
            events(after: "HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nbody")
                == ["refused 401 body", "over"])
        #expect(
            events(
                after: "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
                == ["refused 503 ab", "over"])
        #expect(
            events(after: "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nbody", ended: true)
                == ["refused 403 body", "over"])
        #expect(
            events(after: "HTTP/1.1 302 No\r\n\r\nbody", ended: true) == [
                "refused 302 body", "over",
            ])
        let long = String(repeating: "x", count: WebSocketRefusal.bodyLimit + 10)
        var connection = Self.dial()
        connection.receive(
            Array("HTTP/1.1 500 No\r\nContent-Length: \(long.count)\r\n\r\n\(long)".utf8).span.bytes
        )
        guard case .refused(let refusal) = connection.next() else { return #expect(Bool(false)) }
        #expect(refusal.body.count == WebSocketRefusal.bodyLimit)
    }

    @Test func failsWhereTheHandshakeIsNotOne() {
        #expect(
            events(after: "", ended: true)
                == ["failed the stream ended inside a message", "over"])
        #expect(events(after: "SSH-2.0\r\n\r\n").last == "over")
        let wrongKey = Self.answer.replacing(Self.accept, with: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(
            events(after: wrongKey) == ["failed Sec-WebSocket-Accept does not fit the key", "over"])
        func adding(_ field: String) -> [String] {
            events(
                after: Self.answer.replacing("\r\n\r\n", with: "\r\n\(field)\r\n\r\n"),
                subprotocols: ["a", "b"])
        }
        #expect(adding("Sec-WebSocket-Extensions: permessage-deflate")[0].hasPrefix("failed"))
        #expect(adding("Sec-WebSocket-Protocol: c")[0].hasPrefix("failed"))
        #expect(adding("Sec-WebSocket-Protocol: b") == ["open 101", "on"])
    }
}
