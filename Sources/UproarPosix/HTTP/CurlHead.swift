import UproarRuntime

/// Puts together the head of an answer from the lines that libcurl hands over, one by one, its interim answers (1xx) first.
struct CurlHead {
    private(set) var status = 0
    private(set) var fields: [HTTPField] = []
    private(set) var isWhole = false

    /// Takes one line with its end. True when it was the last of the final head; what comes then are trailers, which nobody needs.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !isWhole else { return false }
        let line = bytes.prefix { $0 != 0x0d && $0 != 0x0a }
        if line.isEmpty {
            isWhole = status >= 200 || status == 101
            return isWhole
        }
        if line.starts(with: "HTTP/".utf8) {
            let words = line.split(separator: 0x20, maxSplits: 2)
            status = words.count > 1 ? Int(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
            fields = []
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            let value = line[line.index(after: colon)...].drop { $0 == 0x20 || $0 == 0x09 }
            let end = value.lastIndex { $0 != 0x20 && $0 != 0x09 }
            fields.append(
                HTTPField(
                    String(decoding: line[..<colon], as: UTF8.self),
                    end.map { String(decoding: value[...$0], as: UTF8.self) } ?? ""))
        }
        return false
    }
}
