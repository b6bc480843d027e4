import UproarCore
import UproarWire

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzInput(data, count)
    expectSame(input) { pieces in
        var decoder = HTTPResponseDecoder(limits: .init(bodyBytes: 50))
        decoder.requestSent(method: input.option & 1 == 0 ? "GET" : "HEAD")
        decoder.requestSent(method: "GET")
        var log: [String] = []
        func drain() {
            while let event = decoder.next() {
                if event == .body {
                    log.append(body: decoder.payloadBytes)
                } else {
                    log.append("\(event)")
                }
            }
        }
        for piece in pieces {
            decoder.receive(piece.span.bytes)
            drain()
        }
        decoder.streamEnded()
        drain()
        return log
    }
    return 0
}
