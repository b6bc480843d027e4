import UproarCore
import UproarWire

/// What was read can be written, and reads the same again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    guard let element = try? XMLReader.read(bytes) else { return 0 }
    guard let again = try? XMLReader.read(element.document) else {
        preconditionFailure(element.document)
    }
    precondition(again.document == element.document)
    return 0
}
