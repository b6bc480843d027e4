import UproarCore
import UproarWire

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = FuzzInput(data, count)
    let type = MultipartForm.contentType(boundary: "B")
    if let form = try? MultipartForm(parsing: input.bytes, contentType: type) {
        precondition(form.parts.reduce(0) { $0 + $1.body.count } <= input.bytes.count)
    }
    let text = String(decoding: input.bytes, as: UTF8.self)
    _ = try? MultipartForm(parsing: input.bytes, contentType: text)
    _ = HTTPFieldValue(parsing: text)
    return 0
}
