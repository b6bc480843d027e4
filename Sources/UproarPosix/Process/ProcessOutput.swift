/// What a process said, from the file its output goes to.
package enum ProcessOutput {
    private static let tailByteCount = 2000

    /// Its last lines, for a message to a person; nil when it said nothing.
    package static func tail(of path: String) -> String? {
        guard let bytes = ProcFile.bytes(path), !bytes.isEmpty else { return nil }
        var tail = bytes.suffix(tailByteCount)
        if tail.count < bytes.count, let end = tail.firstIndex(of: 0x0a) {
            tail = tail[tail.index(after: end)...]
        }
        let text = String(decoding: tail, as: UTF8.self)
        return text.last == "\n" ? String(text.dropLast()) : text
    }
}
