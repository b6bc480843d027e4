import UproarCore
import UproarCrypto
import UproarWire

/// URLs, forms, percents, Base64, hex and Authorization headers.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    let text = String(decoding: bytes, as: UTF8.self)
    if let url = try? WireURL(text) {
        precondition((try? WireURL(url.description)) == url, url.description)
    }
    let form = FormParameters(parsing: text)
    precondition(FormParameters(parsing: form.encoded) == form || form.encoded.isEmpty)
    precondition(PercentEncoding.decode(PercentEncoding.encode(text)) == text)
    if let decoded = Base64.decode(text) {
        precondition(Base64.decode(Base64.encode(decoded)) == decoded)
    }
    if let decoded = Hex.decode(text) {
        precondition(Hex.decode(Hex.encode(decoded)) == decoded)
    }
    _ = SigV4Authorization(text)
    return 0
}
