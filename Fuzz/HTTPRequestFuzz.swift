import UproarCore
import UproarWire

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzInput(data, count)
    let limits =
        input.option & 1 == 0
        ? HTTPLimits() : HTTPLimits(headBytes: 80, fields: 3, bodyBytes: 20)
    expectSame(input) { pieces in
        var decoder = HTTPRequestDecoder(limits: limits)
        var log: [String] = []
        for piece in pieces {
            decoder.receive(piece.span.bytes)
            while let event = decoder.next() {
                switch event {
                case .body: log.append(body: decoder.payloadBytes)
                case .head(let head):
                    log.append(
                        "\(head) \(head.path) \(head.segments) \(head.query) \(head.keepsAlive)")
                default: log.append("\(event)")
                }
            }
        }
        return log
    }
    return 0
}
