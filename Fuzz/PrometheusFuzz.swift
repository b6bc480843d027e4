import UproarCore
import UproarWire

/// What was read can be written, and reads the same again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    guard let families = try? PrometheusText.parse(bytes) else { return 0 }
    let written = PrometheusText.write(families)
    guard let again = try? PrometheusText.parse(written) else {
        preconditionFailure(String(decoding: written, as: UTF8.self))
    }
    precondition(PrometheusText.write(again) == written)
    return 0
}
