import UproarCore
import UproarWire

extension CodecBenchmark {
    /// A media message as telephony sends it: 20 ms of µ-law in Base64.
    static let media: [UInt8] = {
        let payload = Base64.encode((0..<160).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        return Array(
            #"{"event":"media","sequenceNumber":"1234","media":{"track":"inbound","chunk":"1233","timestamp":"24660","payload":"\#(payload)"},"streamSid":"MZ0123456789abcdef0123456789abcdef"}"#
                .utf8)
    }()

    static func webSocket() {
        let count = 1000
        for (name, mask, role) in [
            ("WebSocket receive, masked", UInt32(0xdead_beef), WebSocketRole.server),
            ("WebSocket receive, unmasked", nil, .client),
        ] {
            var frame: [UInt8] = []
            WebSocketFrame.encode(.text, media.span.bytes, mask: mask, into: &frame)
            var peer = WebSocketPeer(role: role, random: RandomStream(state: 1))
            var output: [UInt8] = []
            measure("\(name), a frame a read", bytes: frame.count, count: count) {
                for _ in 0..<count {
                    peer.receive(frame.span.bytes)
                    guard peer.next(into: &output) == .text else { preconditionFailure() }
                }
            }
            let read = Array(repeatElement(frame, count: 100).joined())
            measure("\(name), 100 frames a read", bytes: frame.count, count: count) {
                for _ in 0..<count / 100 {
                    peer.receive(read.span.bytes)
                    for _ in 0..<100 {
                        guard peer.next(into: &output) == .text else { preconditionFailure() }
                    }
                }
            }
        }
        for (name, role) in [("masked", WebSocketRole.client), ("unmasked", .server)] {
            var peer = WebSocketPeer(role: role, random: RandomStream(state: 1))
            var output: [UInt8] = []
            measure("WebSocket send, \(name)", bytes: media.count, count: count) {
                for _ in 0..<count {
                    output.removeAll(keepingCapacity: true)
                    peer.send(.text, media.span.bytes, into: &output)
                }
            }
        }
        var connection = openConnection()
        var frame: [UInt8] = []
        WebSocketFrame.encode(.text, media.span.bytes, mask: 0xdead_beef, into: &frame)
        measure("ServerConnection, text in and out", bytes: frame.count, count: count) {
            for _ in 0..<count {
                connection.receive(frame.span.bytes)
                guard connection.next() == .text else { preconditionFailure() }
                connection.output.removeAll(keepingCapacity: true)
                connection.sendText(media.span.bytes)
            }
        }
    }

    static func openConnection() -> ServerConnection {
        var connection = ServerConnection()
        let url = WireURL(scheme: .ws, host: "h")
        let dialled = WebSocketClientConnection(url: url, random: RandomStream(state: 2))
        connection.receive(dialled.output.span.bytes)
        guard case .upgrade = connection.next() else { preconditionFailure("no upgrade") }
        connection.acceptUpgrade()
        return connection
    }

    static func json() {
        let count = 1000
        var output: [UInt8] = []
        measure("JSONScanner, media payload", bytes: media.count, count: count) {
            for _ in 0..<count {
                guard JSONScanner.holds(media.span.bytes, at: "event", "media"),
                    let found = JSONScanner.string(media.span.bytes, at: "media", "payload")
                else { preconditionFailure() }
                output.removeAll(keepingCapacity: true)
                output.append(UInt8(truncatingIfNeeded: found.range.count))
            }
        }
    }

    static func http() {
        let count = 100
        let body = #"{"model":"gpt-4.1-mini","stream":true,"messages":[]}"#
        let request = Array(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: OpenAI/Python 3.52.0\r\nAccept: application/json\r\nAuthorization: Bearer test\r\nContent-Type: application/json\r\nX-Stainless-Lang: python\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                .utf8)
        var connection = ServerConnection()
        measure("ServerConnection, request and answer", bytes: request.count, count: count) {
            for _ in 0..<count {
                connection.output.removeAll(keepingCapacity: true)
                connection.receive(request.span.bytes)
                while connection.next() != nil {}
                connection.respond(
                    status: 200, headers: ["Content-Type": "application/json"], body: [0x7b, 0x7d])
            }
        }
    }

    static func serverSentEvents() {
        let count = 1000
        let chunk = Array(
            #"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}"#
                .utf8)
        var event: [UInt8] = []
        ServerSentEvent.write(data: String(decoding: chunk, as: UTF8.self), into: &event)
        var decoder = ServerSentEventDecoder()
        measure("ServerSentEventDecoder", bytes: event.count, count: count) {
            for _ in 0..<count {
                decoder.receive(event.span.bytes)
                guard decoder.next() != nil else { preconditionFailure() }
            }
        }
        var output: [UInt8] = []
        measure("HTTPChunk", bytes: event.count, count: count) {
            for _ in 0..<count {
                output.removeAll(keepingCapacity: true)
                HTTPChunk.write(event.span.bytes, into: &output)
            }
        }
    }

    static func redis() {
        let count = 1000
        var reply: [UInt8] = []
        RESPValue.bulk([UInt8](repeating: 0x61, count: 200)).write(into: &reply)
        var decoder = RESPDecoder()
        measure("RESPDecoder, a session's value", bytes: reply.count, count: count) {
            for _ in 0..<count {
                decoder.receive(reply.span.bytes)
                guard (try? decoder.next()) != nil else { preconditionFailure() }
            }
        }
        let words = [
            "SET", "session:0123456789abcdef", String(repeating: "a", count: 200), "EX", "3600",
        ]
        var output: [UInt8] = []
        measure("RESPCommand, a session's value", bytes: 260, count: count) {
            for _ in 0..<count {
                output.removeAll(keepingCapacity: true)
                RESPCommand.write(words, into: &output)
            }
        }
    }
}
