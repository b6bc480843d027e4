/// Text of protocols is bytes: a combining character after a comma must not hide the comma, as it does among Characters.
extension StringProtocol {
    /// The pieces between separators, empty ones kept; at most `most` cuts.
    func pieces(cutAt separator: UInt8, most: Int = .max) -> [String] {
        Array(utf8).split(separator: separator, maxSplits: most, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// Without the blanks and tabs at both ends.
    func trimmed() -> String {
        var bytes = Array(utf8)[...]
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
