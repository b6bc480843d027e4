import UproarCore
import UproarWire

/// The server's side of a handshake, with the right key where the input says so, and what follows it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzInput(data, count)
    let random = Seed(1).stream("fuzz")
    var keys = random
    let accept = WebSocketHandshake.accept(key: WebSocketHandshake.key(&keys))
    let handshake = Array(
        "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n"
            .utf8)
    expectSame(input) { pieces in
        var connection = WebSocketClientConnection(
            url: WireURL(scheme: .ws, host: "h"), subprotocols: ["a"], random: random,
            messageLimit: 1000)
        var log: [String] = []
        func drain() {
            while let event = connection.next() {
                log.append("\(event) \(connection.payloadBytes)")
                connection.sendText("seen")
            }
        }
        if input.option & 1 == 0 { connection.receive(handshake.span.bytes) }
        for piece in pieces {
            connection.receive(piece.span.bytes)
            drain()
        }
        connection.streamEnded()
        drain()
        return log + ["\(connection.output)", "\(connection.shouldClose)"]
    }
    return 0
}
