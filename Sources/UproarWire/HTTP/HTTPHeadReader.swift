import UproarCore

/// Finds and reads heads and trailers (RFC 9112 §2–§5), strictly: what two implementations could read in two ways is refused.
struct HTTPHeadReader {
    let limits: HTTPLimits
    /// How far the unread bytes were searched, and where the line begins that is open there.
    private var searched = 0
    private var lineStart = 0

    init(limits: HTTPLimits) { self.limits = limits }

    /// The lines up to the empty one, without it and without line ends: nil while they are not whole. They are consumed.
    mutating func next(
        from buffer: inout InputBuffer, skipsEmptyLines: Bool
    ) throws(HTTPError) -> [ArraySlice<UInt8>]? {
        while let end = buffer.firstIndex(of: 0x0a, from: searched) {
            guard end < limits.headBytes else { break }
            guard end > lineStart, buffer[end - 1] == 0x0d else { throw .fieldMalformed }
            searched = end + 1
            if end - lineStart > 1 {
                lineStart = end + 1
            } else if skipsEmptyLines, lineStart == 0 {
                // Line ends before a request are left over from its predecessor (RFC 9112 §2.2).
                buffer.consume(searched)
                searched = 0
            } else {
                let text = Array(buffer.storage[buffer.consume(searched)].dropLast(2))
                searched = 0
                lineStart = 0
                return Self.lines(of: text)
            }
        }
        guard buffer.count < limits.headBytes else { throw .headTooLong(limit: limits.headBytes) }
        searched = buffer.count
        return nil
    }

    private static func lines(of text: [UInt8]) -> [ArraySlice<UInt8>] {
        text.split(separator: 0x0a).map { $0.dropLast() }
    }

    /// The fields of lines after the first.
    func fields(_ lines: some Sequence<ArraySlice<UInt8>>) throws(HTTPError) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for line in lines {
            guard headers.count < limits.fields else {
                throw .tooManyFields(limit: limits.fields)
            }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy(Self.isToken)
            else { throw .fieldMalformed }
            var value = line[(colon + 1)...]
            while let first = value.first, first == 0x20 || first == 0x09 { value.removeFirst() }
            while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
            guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                throw .fieldMalformed
            }
            headers.add(
                String(decoding: line[..<colon], as: UTF8.self),
                String(decoding: value, as: UTF8.self))
        }
        return headers
    }

    /// A request's start line.
    static func requestLine(
        _ line: ArraySlice<UInt8>
    ) throws(HTTPError) -> (method: String, target: String, minorVersion: Int) {
        let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].allSatisfy(isToken),
            !words[1].isEmpty, words[1].allSatisfy({ $0 > 0x20 && $0 != 0x7f })
        else { throw .startLineMalformed }
        return (
            String(decoding: words[0], as: UTF8.self), String(decoding: words[1], as: UTF8.self),
            try minorVersion(words[2])
        )
    }

    /// A response's start line. The blank before an empty reason may be missing: many servers leave it out.
    static func statusLine(
        _ line: ArraySlice<UInt8>
    ) throws(HTTPError) -> (status: Int, reason: String, minorVersion: Int) {
        let words = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2 else { throw .startLineMalformed }
        let minorVersion = try minorVersion(words[0])
        guard words[1].count == 3, words[1].allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .startLineMalformed
        }
        let status = words[1].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard status >= 100 else { throw .startLineMalformed }
        let reason = words.count == 3 ? String(decoding: words[2], as: UTF8.self) : ""
        return (status, reason, minorVersion)
    }

    private static func minorVersion(_ word: ArraySlice<UInt8>) throws(HTTPError) -> Int {
        guard word.count == 8, word.starts(with: "HTTP/".utf8),
            word[word.startIndex + 6] == UInt8(ascii: ".")
        else { throw .startLineMalformed }
        switch (word[word.startIndex + 5], word[word.startIndex + 7]) {
        case (UInt8(ascii: "1"), UInt8(ascii: "0")): return 0
        case (UInt8(ascii: "1"), UInt8(ascii: "1")): return 1
        default: throw .versionUnsupported
        }
    }

    /// The characters of a token (RFC 9110 §5.6.2).
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"),
            UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
            UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
