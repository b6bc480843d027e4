import UproarCore
import UproarWire

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzInput(data, count)
    expectSame(input) { pieces in
        var decoder = WebSocketDecoder(
            role: input.option & 1 == 0 ? .client : .server,
            messageLimit: input.option & 2 == 0 ? 100 : 1 << 20)
        var log: [String] = []
        for piece in pieces {
            decoder.receive(piece.span.bytes)
            while let event = decoder.next() {
                log.append("\(event) \(decoder.payloadBytes)")
                let isText = event == .text
                precondition(
                    !isText || String(validating: decoder.payloadBytes, as: UTF8.self) != nil)
            }
        }
        return log
    }
    return 0
}
