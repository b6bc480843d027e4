import UproarCore
import UproarProviders
import UproarRuntime
import UproarWire

/// A WebSocket peer of any vendor that keeps all it hears, and writes in pieces of any size.
final class SocketPeer: ByteStreamHandler {
    private let world: EmulatorWorld
    private var wire: WebSocketClientConnection
    private var stream: (any ByteStream)?
    private let pieceSize: Int
    private(set) var head: HTTPResponseHead?
    var isOpen: Bool { head != nil }
    /// What came as text: as it is, and as JSON.
    private(set) var texts: [String] = []
    private(set) var messages: [JSONValue] = []
    private(set) var times: [Instant] = []
    private(set) var binaries: [[UInt8]] = []
    /// `ping life`, `pong life`.
    private(set) var controls: [String] = []
    private(set) var closed: (code: WebSocketCloseCode, reason: String)?
    private(set) var refusal: WebSocketRefusal?
    var pings: Int { controls.count { $0.hasPrefix("ping") } }
    private(set) var streamEnd: CloseReason?

    /// - target: path and query.
    init(
        _ world: EmulatorWorld, to endpoint: Endpoint, _ target: String, headers: HTTPHeaders = [:],
        subprotocols: [String] = [], answersPings: Bool = true, pieceSize: Int = .max
    ) throws {
        self.world = world
        self.pieceSize = pieceSize
        let url = try WireURL("ws://\(endpoint)\(target)")
        wire = WebSocketClientConnection(
            url: url, headers: headers, subprotocols: subprotocols, random: RandomStream(state: 9))
        wire.answersPings = answersPings
        stream = world.context.network.connect(to: endpoint, options: .init(), handler: self)
    }

    func send(_ json: JSONValue) { send(text: json.text(pretty: false)) }

    func send(text: String) {
        wire.sendText(text)
        flush()
    }

    func send(binary: [UInt8]) {
        wire.sendBinary(binary.span.bytes)
        flush()
    }

    func close(reason: String = "") { act { $0.close(.normal, reason: reason) } }

    /// Anything else that a client can say.
    func act(_ body: (inout WebSocketClientConnection) -> Void) {
        body(&wire)
        flush()
    }

    func reset() { stream?.reset() }

    private func flush() {
        var rest = wire.output[...]
        wire.output = []
        while !rest.isEmpty {
            let piece = Array(rest.prefix(pieceSize))
            rest = rest.dropFirst(piece.count)
            stream?.write(piece.span.bytes)
        }
        if wire.shouldClose { stream?.close() }
    }

    /// The messages whose member `key` has this text.
    func of(_ key: String, _ value: String) -> [JSONValue] {
        messages.filter { $0[key]?.text == value }
    }

    func opened(_ stream: any ByteStream) { flush() }

    func received(_ bytes: RawSpan, at instant: Instant, on stream: any ByteStream) {
        wire.receive(bytes)
        while let event = wire.next() {
            switch event {
            case .open(let head): self.head = head
            case .refused(let refusal): self.refusal = refusal
            case .text:
                texts.append(wire.payloadText)
                messages.append((try? JSONParser.parse(wire.payloadText)) ?? .null)
                times.append(instant)
            case .closed(let code): closed = (code, wire.payloadText)
            case .binary: binaries.append(wire.payloadBytes)
            case .ping: controls.append("ping " + wire.payloadText)
            case .pong: controls.append("pong " + wire.payloadText)
            case .failed: break
            }
        }
        flush()
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { streamEnd = reason }
}

/// The sizes in which emulators are fed: whole, split, byte by byte.
let pieceSizes = [Int.max, 700, 1]
