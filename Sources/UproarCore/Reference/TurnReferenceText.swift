/// A reference as eight hexadecimal digits, for ids of our own making.
package enum TurnReferenceText {
    private static let digits = Array("0123456789abcdef".utf8)

    package static func hex(_ reference: TurnReference) -> String {
        let value = reference.rawValue
        let bytes = stride(from: 28, through: 0, by: -4).map {
            digits[Int(value >> UInt32($0) & 15)]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The reference at the end of an id; nil when it does not end in eight such digits.
    package static func reference(endOf id: String) -> TurnReference? {
        let tail = id.utf8.suffix(8)
        guard tail.count == 8 else { return nil }
        var value: UInt32 = 0
        for byte in tail {
            guard let digit = digits.firstIndex(of: byte) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return TurnReference(rawValue: value)
    }
}
