/// Percent-encoding (RFC 3986 §2.1).
package enum PercentEncoding {
    /// Keeps `A-Z a-z 0-9 - . _ ~` and, on request, `/`; all else becomes `%XX` in capitals.
    package static func encode(_ text: some StringProtocol, keepingSlashes: Bool = false) -> String
    {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if isUnreserved(byte) || (keepingSlashes && byte == UInt8(ascii: "/")) {
                output.append(byte)
            } else {
                output.append(UInt8(ascii: "%"))
                output.append(digits[Int(byte >> 4)])
                output.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Reads `%XX`, and `+` as a blank where forms write one. A `%` without two digits stands for itself; bytes that are
    /// not UTF-8 become U+FFFD.
    package static func decode(_ text: some StringProtocol, plusIsBlank: Bool = false) -> String {
        let bytes = Array(text.utf8)
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = Hex.value(of: bytes[index + 1]),
                let low = Hex.value(of: bytes[index + 2])
            {
                output.append(high << 4 | low)
                index += 3
                continue
            }
            let isBlank = plusIsBlank && bytes[index] == UInt8(ascii: "+")
            output.append(isBlank ? 0x20 : bytes[index])
            index += 1
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
