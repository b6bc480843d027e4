import UproarCore

/// How the end of a body is known (RFC 9112 §6.3).
enum HTTPBodyFraming: Hashable {
    case none
    case length(Int)
    case chunked
    /// A response without length: it ends with the stream.
    case untilEnd

    /// What the fields say; `absent` when they say nothing.
    ///
    /// A length beside a coding, a length that comes twice and a coding under HTTP/1.0 are refused, though the RFC would
    /// allow some of it: they are the tools of request smuggling (§11.2) and nothing honest sends them.
    static func of(
        _ headers: HTTPHeaders, minorVersion: Int, absent: HTTPBodyFraming
    ) throws(HTTPError) -> HTTPBodyFraming {
        let lengths = headers.all("Content-Length")
        let codings = headers.all("Transfer-Encoding")
        if !codings.isEmpty {
            guard lengths.isEmpty, minorVersion >= 1 else { throw .lengthAmbiguous }
            guard codings.count == 1, HTTPHeaders.isSame(codings[0], "chunked") else {
                throw .codingUnsupported
            }
            return .chunked
        }
        guard let text = lengths.first else { return absent }
        guard lengths.count == 1, !text.isEmpty, text.utf8.count <= 18,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(text)
        else { throw .lengthAmbiguous }
        return length == 0 ? .none : .length(length)
    }
}

/// Takes a body apart, piece by piece as it arrives, without gathering it.
struct HTTPBodyReader {
    enum Step {
        /// Some bytes, at this place of the buffer's storage.
        case piece(Range<Int>)
        case end(trailers: HTTPHeaders)
        case needsMore
    }

    private enum Place {
        case fixed(rest: Int)
        case untilEnd
        case chunkSize
        case chunk(rest: Int)
        case chunkEnd
        case trailers
        case over
    }

    /// A chunk's size line, extensions included, is short in earnest.
    private static let sizeLineLimit = 4096

    private var place: Place
    private var seen = 0
    private var head: HTTPHeadReader
    private let limit: Int

    init(_ framing: HTTPBodyFraming, limits: HTTPLimits) throws(HTTPError) {
        limit = limits.bodyBytes
        head = HTTPHeadReader(limits: limits)
        switch framing {
        case .none: place = .over
        case .length(let count):
            guard count <= limits.bodyBytes else { throw .bodyTooLong(limit: limits.bodyBytes) }
            place = .fixed(rest: count)
        case .chunked: place = .chunkSize
        case .untilEnd: place = .untilEnd
        }
    }

    /// Whether the end of the stream is the proper end of this body.
    var endsWithStream: Bool { if case .untilEnd = place { true } else { false } }

    mutating func next(from buffer: inout InputBuffer) throws(HTTPError) -> Step {
        while true {
            switch place {
            case .over: return .end(trailers: [:])
            case .fixed(let rest):
                guard !buffer.isEmpty else { return .needsMore }
                let count = min(rest, buffer.count)
                place = count == rest ? .over : .fixed(rest: rest - count)
                return .piece(buffer.consume(count))
            case .untilEnd:
                guard !buffer.isEmpty else { return .needsMore }
                let count = min(buffer.count, limit - seen)
                guard count > 0 else { throw .bodyTooLong(limit: limit) }
                seen += count
                return .piece(buffer.consume(count))
            case .chunkSize:
                guard let size = try chunkSize(from: &buffer) else { return .needsMore }
                guard size <= limit - seen else { throw .bodyTooLong(limit: limit) }
                seen += size
                place = size == 0 ? .trailers : .chunk(rest: size)
            case .chunk(let rest):
                guard !buffer.isEmpty else { return .needsMore }
                let count = min(rest, buffer.count)
                place = count == rest ? .chunkEnd : .chunk(rest: rest - count)
                return .piece(buffer.consume(count))
            case .chunkEnd:
                guard buffer.count >= 2 else {
                    if buffer.count == 1, buffer[0] != 0x0d { throw .chunkMalformed }
                    return .needsMore
                }
                guard buffer[0] == 0x0d, buffer[1] == 0x0a else { throw .chunkMalformed }
                buffer.consume(2)
                place = .chunkSize
            case .trailers:
                // The last line of an empty trailer section is the first line: nothing to skip.
                guard let lines = try head.next(from: &buffer, skipsEmptyLines: false) else {
                    return .needsMore
                }
                let trailers = try head.fields(lines)
                place = .over
                return .end(trailers: trailers)
            }
        }
    }

    /// `1a3` or `1a3;name=value` and a line end (RFC 9112 §7.1): at most 15 digits, so it cannot overflow.
    private func chunkSize(from buffer: inout InputBuffer) throws(HTTPError) -> Int? {
        guard let end = buffer.firstIndex(of: 0x0a) else {
            guard buffer.count < Self.sizeLineLimit else { throw .chunkMalformed }
            return nil
        }
        guard end < Self.sizeLineLimit, end >= 2, buffer[end - 1] == 0x0d else {
            throw .chunkMalformed
        }
        var size = 0
        var digits = 0
        while digits < end - 1, let digit = Hex.value(of: buffer[digits]) {
            guard digits < 15 else { throw .chunkMalformed }
            size = size << 4 | Int(digit)
            digits += 1
        }
        guard digits > 0 else { throw .chunkMalformed }
        if digits < end - 1 {
            guard [UInt8(ascii: ";"), 0x20, 0x09].contains(buffer[digits]) else {
                throw .chunkMalformed
            }
            // A bare carriage return inside an extension is a line end to a careless reader.
            for index in digits..<end - 1 where buffer[index] == 0x0d { throw .chunkMalformed }
        }
        buffer.consume(end + 1)
        return size
    }
}
