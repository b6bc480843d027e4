/// A header value with parameters: `form-data; name="file"; filename="a.wav"` (RFC 9110 §5.6.6).
package struct HTTPFieldValue: Hashable, Sendable {
    /// What stands before the first semicolon, in small letters.
    package var value: String
    package var parameters: FormParameters

    /// Reads leniently: what is no parameter is skipped, a quoted string may lack its end.
    package init(parsing text: String) {
        var bytes = Array(text.utf8)[...]
        func string(_ bytes: ArraySlice<UInt8>) -> String {
            String(decoding: bytes, as: UTF8.self).trimmed()
        }
        let semicolon = UInt8(ascii: ";")
        let end = bytes.firstIndex(of: semicolon) ?? bytes.endIndex
        value = string(bytes[..<end]).lowercased()
        parameters = FormParameters()
        bytes = bytes[end...]
        while bytes.first == semicolon {
            bytes = bytes.dropFirst()
            let nameEnd =
                bytes.firstIndex { $0 == UInt8(ascii: "=") || $0 == semicolon } ?? bytes.endIndex
            let name = string(bytes[..<nameEnd]).lowercased()
            bytes = bytes[nameEnd...]
            guard bytes.first == UInt8(ascii: "=") else { continue }
            bytes = bytes.dropFirst().drop { $0 == 0x20 || $0 == 0x09 }
            if bytes.first == UInt8(ascii: "\"") {
                parameters.add(name, Self.quoted(&bytes))
                bytes = bytes.drop { $0 != semicolon }
            } else {
                let valueEnd = bytes.firstIndex(of: semicolon) ?? bytes.endIndex
                parameters.add(name, string(bytes[..<valueEnd]))
                bytes = bytes[valueEnd...]
            }
        }
    }

    private static func quoted(_ bytes: inout ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        bytes = bytes.dropFirst()
        while let byte = bytes.first {
            bytes = bytes.dropFirst()
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\"), let next = bytes.first {
                text.append(next)
                bytes = bytes.dropFirst()
            } else {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
