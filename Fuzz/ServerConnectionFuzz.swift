import UproarCore
import UproarWire

/// Answers everything at once: requests whole or streamed, upgrades accepted or refused, messages echoed.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzInput(data, count)
    expectSame(input) { pieces in
        var connection = ServerConnection(
            limits: .init(bodyBytes: 1000), gathersBodies: input.option & 1 == 0,
            messageLimit: 1000)
        var log: [String] = []
        func drain() {
            while let event = connection.next() {
                switch event {
                case .request(let head):
                    log.append("\(head)")
                    if input.option & 2 != 0 { connection.respond(status: 503) }
                case .upgrade(let head):
                    log.append("\(head)")
                    if input.option & 4 == 0 {
                        connection.acceptUpgrade()
                    } else {
                        connection.respond(status: 403, body: [1, 2])
                    }
                case .body: log.append(body: connection.payloadBytes)
                case .requestEnd:
                    log.append("\(event) \(connection.body)")
                    if input.option & 8 == 0 {
                        connection.respond(status: 200, body: connection.body)
                    } else {
                        connection.startBody(HTTPResponseHead(status: 200))
                        let body = connection.body
                        connection.sendBody(body.span.bytes)
                        connection.endBody()
                    }
                case .text:
                    log.append(connection.payloadText)
                    connection.sendText(connection.payloadText)
                case .binary: connection.sendBinary(connection.payloadBytes.span.bytes)
                case .ping, .pong, .closed, .failed: log.append("\(event)")
                }
            }
        }
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
