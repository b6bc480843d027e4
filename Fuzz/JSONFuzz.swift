import UproarCore
import UproarWire

/// The scanner finds what the parser finds, wherever the parser takes the text for JSON.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    let span = bytes.span.bytes
    let outer = JSONScanner.string(span, at: "event")
    let inner = JSONScanner.string(span, at: "media", "payload")
    let number = JSONScanner.integer(span, at: "event")
    let found = outer.flatMap { JSONScanner.unescaped(span, $0) }
    let foundInside = inner.flatMap { JSONScanner.unescaped(span, $0) }
    _ = JSONScanner.holds(span, at: "event", "media")
    guard let value = try? JSONParser.parse(bytes) else { return 0 }
    // Written, read and written again it is the same text (2.5e3 becomes 2500 the first time).
    let written = value.encoded()
    precondition((try? JSONParser.parse(written))?.encoded() == written)
    // The scanner does not compare keys that hold escapes, and takes the first of a key that repeats.
    guard !bytes.contains(UInt8(ascii: "\\")) else { return 0 }
    precondition(found == value.firstMember("event")?.text)
    precondition(foundInside == value.firstMember("media")?.firstMember("payload")?.text)
    if case .integer(let known)? = value.firstMember("event"), known > .min {
        precondition(number == Int(known))
    }
    return 0
}

extension JSONValue {
    fileprivate func firstMember(_ key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }
}
