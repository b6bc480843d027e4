// The codecs behind a pipe, for checks against other people's implementations: bytes of one connection in at standard input,
// bytes out at standard output. Tests/Interop/websocket.py connects the pipe to a socket with its peer on the other side.
//
//   WireInterop server                     serves the connection (paths below)
//   WireInterop client URL SUBPROTOCOLS STEP…   dials, walks through the steps, tells its events on standard error
import Glibc
import UproarCore
import UproarCrypto
import UproarWire

@main
struct WireInterop {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "server":
            var server = InteropServer()
            server.run()
        case "client" where arguments.count >= 3:
            guard let url = try? WireURL(arguments[1]) else { exit(2) }
            var dialled = InteropClient(
                url: url, subprotocols: arguments[2].split(separator: ",").map(String.init),
                steps: Array(arguments[3...]))
            dialled.run()
        default:
            tell("usage: WireInterop server | client URL SUBPROTOCOLS STEP…")
            exit(2)
        }
    }

    /// A line on standard error.
    static func tell(_ text: String) { write(2, Array((text + "\n").utf8)) }

    static func write(_ descriptor: Int32, _ bytes: [UInt8]) {
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + start, $0.count - start)
            }
            if count <= 0 { exit(1) }
            start += count
        }
    }

    /// What is there to read, at least a byte; empty at the end.
    static func read() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
            count = max(0, Glibc.read(0, buffer.baseAddress, buffer.count))
        }
    }
}

/// Paths: `/echo`, `/fragments` (the echo comes in three), `/close` (the message "CODE REASON" is obeyed), `/ping` (a pong's payload comes
/// back as text), `/refuse`; over plain HTTP `GET /hello` and `POST /echo`.
struct InteropServer: ~Copyable {
    var connection = ServerConnection(messageLimit: 4 << 20)
    var path = ""

    mutating func run() {
        while true {
            let bytes = WireInterop.read()
            if bytes.isEmpty {
                connection.streamEnded()
            } else {
                connection.receive(bytes.span.bytes)
            }
            while let event = connection.next() { handle(event) }
            WireInterop.write(1, connection.output)
            connection.output.removeAll(keepingCapacity: true)
            if bytes.isEmpty || connection.shouldClose { return }
        }
    }

    mutating func handle(_ event: ServerEvent) {
        switch event {
        case .upgrade(let head):
            path = head.path
            if path == "/refuse" {
                let body = Array(#"{"reason":"not today"}"#.utf8)
                connection.respond(
                    status: 403,
                    headers: ["Content-Type": "application/json", "X-Reason": "closed"],
                    body: body)
                return
            }
            let offered = WebSocketHandshake.subprotocols(of: head)
            connection.acceptUpgrade(subprotocol: offered.first { $0 == "second" })
            if path == "/ping" { connection.ping(Array("are you there".utf8).span.bytes) }
        case .text where path == "/close":
            let words = connection.payloadText.split(separator: " ", maxSplits: 1)
            connection.close(
                .init(UInt16(words[0]) ?? 1000), reason: words.count > 1 ? String(words[1]) : "")
        case .text where path == "/fragments": fragments(.text)
        case .binary where path == "/fragments": fragments(.binary)
        case .text: connection.sendText(connection.payloadBytes.span.bytes)
        case .binary: connection.sendBinary(connection.payloadBytes.span.bytes)
        case .pong where path == "/ping":
            connection.sendText("pong: " + connection.payloadText)
        case .request(let head): path = "\(head.method) \(head.path)"
        case .requestEnd:
            switch path {
            case "GET /hello", "HEAD /hello":
                connection.respond(status: 200, body: Array("hello".utf8))
            case "POST /echo":
                connection.startBody(HTTPResponseHead(status: 200))
                var start = 0
                while start < connection.body.count {
                    let end = min(connection.body.count, start + 1000)
                    connection.sendBody(Array(connection.body[start..<end]).span.bytes)
                    start = end
                }
                connection.endBody()
            default: connection.respond(status: 404)
            }
        case .body, .ping, .pong, .closed, .failed: break
        }
    }

    /// Three fragments with a ping between them, the first one empty.
    mutating func fragments(_ opcode: WebSocketOpcode) {
        let bytes = connection.payloadBytes
        let half = bytes.count / 2
        func frame(_ opcode: WebSocketOpcode, _ bytes: [UInt8], _ isFinal: Bool) {
            WebSocketFrame.encode(
                opcode, bytes.span.bytes, mask: nil, isFinal: isFinal, into: &connection.output)
        }
        frame(opcode, [], false)
        frame(.continuation, Array(bytes[..<half]), false)
        frame(.ping, [1, 2, 3], true)
        frame(.continuation, Array(bytes[half...]), true)
    }
}

/// Steps: `text:N` and `binary:N` send a message of N bytes and wait for one, `say:TEXT` the same, `ping:TEXT` waits for the pong, `wait`
/// waits for a message, `close:CODE:REASON` waits for the answer. Events are told as lines.
struct InteropClient: ~Copyable {
    var connection: WebSocketClientConnection
    var steps: ArraySlice<String>

    init(url: WireURL, subprotocols: [String], steps: [String]) {
        connection = WebSocketClientConnection(
            url: url, headers: ["X-Interop": "1"], subprotocols: subprotocols,
            random: Seed(1).stream("interop"), messageLimit: 4 << 20)
        self.steps = steps[...]
    }

    mutating func run() {
        flush()
        while true {
            let bytes = WireInterop.read()
            if bytes.isEmpty {
                connection.streamEnded()
            } else {
                connection.receive(bytes.span.bytes)
            }
            while let event = connection.next() { handle(event) }
            flush()
            if bytes.isEmpty || connection.shouldClose { return }
        }
    }

    mutating func flush() {
        WireInterop.write(1, connection.output)
        connection.output.removeAll(keepingCapacity: true)
    }

    mutating func handle(_ event: WebSocketClientEvent) {
        let payload = connection.payloadBytes
        switch event {
        case .open:
            WireInterop.tell("open \(connection.subprotocol ?? "-")")
            step()
        case .refused(let refusal):
            let body = String(decoding: refusal.body, as: UTF8.self)
            WireInterop.tell("refused \(refusal.head.status) \(body)")
        case .text, .binary:
            WireInterop.tell("\(event) \(payload.count) \(Hex.encode(Digest.sha1.hash(payload)))")
            step()
        case .pong:
            WireInterop.tell("pong \(connection.payloadText)")
            step()
        case .ping: WireInterop.tell("ping \(connection.payloadText)")
        case .closed(let code): WireInterop.tell("closed \(code) \(connection.payloadText)")
        case .failed(let error): WireInterop.tell("failed \(error)")
        }
    }

    mutating func step() {
        guard let step = steps.popFirst() else { return }
        let words = step.split(separator: ":", maxSplits: 2).map(String.init)
        switch words[0] {
        case "text": connection.sendText(letters(words[1]).span.bytes)
        case "binary": connection.sendBinary(letters(words[1]).span.bytes)
        case "say": connection.sendText(words[1])
        case "ping": connection.ping(Array(words[1].utf8).span.bytes)
        case "close":
            connection.close(
                .init(UInt16(words[1]) ?? 1000), reason: words.count > 2 ? words[2] : "")
        default: break
        }
    }

    func letters(_ count: String) -> [UInt8] {
        (0..<(Int(count) ?? 0)).map { UInt8(ascii: "a") + UInt8($0 % 26) }
    }
}
