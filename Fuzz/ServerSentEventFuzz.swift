import UproarCore
import UproarWire

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzInput(data, count)
    expectSame(input) { pieces in
        var decoder = ServerSentEventDecoder(limit: input.option & 1 == 0 ? 20 : 1 << 20)
        var log: [String] = []
        for piece in pieces {
            decoder.receive(piece.span.bytes)
            while let event = decoder.next() { log.append("\(event)") }
        }
        return log + ["\(decoder.hasOverflowed)"]
    }
    // What is written reads the same.
    let text = String(decoding: input.bytes, as: UTF8.self)
    let event = ServerSentEvent(event: "e", data: text.replacing("\r", with: " "), id: "1")
    var output: [UInt8] = []
    event.write(into: &output)
    var decoder = ServerSentEventDecoder()
    decoder.receive(output.span.bytes)
    let read = decoder.next()
    precondition(read?.data.utf8.elementsEqual(withoutCarriageReturns(text.utf8)) == true)
    return 0
}

/// `replacing` on Characters leaves "\r\n" alone; the writer makes a blank of each carriage return.
private func withoutCarriageReturns(_ text: String.UTF8View) -> [UInt8] {
    text.map { $0 == 0x0d ? 0x20 : $0 }
}
