import UproarCore
import UproarWire

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzInput(data, count)
    expectSame(input) { pieces in
        var decoder = RESPDecoder(byteLimit: 1 << 20, partLimit: 1000)
        var log: [String] = []
        do throws(RESPError) {
            for piece in pieces {
                decoder.receive(piece.span.bytes)
                while let value = try decoder.next() {
                    log.append("\(value) \(decoder.lastCount)")
                    check(value)
                }
            }
        } catch {
            log.append("\(error)")
        }
        return log
    }
    return 0
}

/// What was read can be written, and read again.
private func check(_ value: RESPValue) {
    var output: [UInt8] = []
    value.write(into: &output)
    var decoder = RESPDecoder()
    decoder.receive(output.span.bytes)
    guard let again = try? decoder.next() else { preconditionFailure("\(value)") }
    var second: [UInt8] = []
    again.write(into: &second)
    precondition(output == second)
}
