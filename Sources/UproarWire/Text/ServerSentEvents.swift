import UproarCore

/// One server-sent event (WHATWG HTML §9.2).
package struct ServerSentEvent: Hashable, Sendable {
    /// `message` when the stream named none.
    package var event: String
    /// The `data` lines, joined by line feeds.
    package var data: String
    /// The latest `id` of the stream, this event's or an earlier one's.
    package var id: String?

    package init(event: String = "message", data: String, id: String? = nil) {
        self.event = event
        self.data = data
        self.id = id
    }

    /// Appends the event as it goes over the wire; the name `message` and a missing id are left out.
    package func write(into output: inout [UInt8]) {
        if event != "message" { Self.line("event", event, into: &output) }
        if let id { Self.line("id", id, into: &output) }
        Self.write(data: data, into: &output)
    }

    /// Appends an event that is nothing but data: `data: …` and an empty line, one `data` line for each line of text.
    package static func write(data: String, into output: inout [UInt8]) {
        // Cut at bytes: to Characters "\r\n" is one, and a line feed hides under a combining mark.
        for line in data.pieces(cutAt: 0x0a) { Self.line("data", line, into: &output) }
        output.append(0x0a)
    }

    private static func line(_ name: StaticString, _ value: String, into output: inout [UInt8]) {
        name.withUTF8Buffer { output.append(contentsOf: $0) }
        output.append(UInt8(ascii: ":"))
        output.append(0x20)
        // A line end inside a field would end it; it cannot be written, so it becomes a blank.
        for byte in value.utf8 { output.append(byte == 0x0d || byte == 0x0a ? 0x20 : byte) }
        output.append(0x0a)
    }
}

/// Reads an event stream from bytes cut anywhere. Lines end with `\n`, `\r\n` or `\r`; comments and unknown fields are skipped; a byte order
/// mark at the start too. An event that the stream's end cuts off is dropped, as browsers do.
package struct ServerSentEventDecoder: ~Copyable {
    private let limit: Int
    private var buffer = InputBuffer()
    private var isAtStart = true
    /// The line before ended with `\r`: a `\n` right behind belongs to it.
    private var skipsLineFeed = false
    private var event = ""
    private var data: [UInt8] = []
    private var hasData = false
    private var lastID: String?
    private var searched = 0
    /// A line or an event was longer than the limit; nothing more is read.
    package private(set) var hasOverflowed = false

    /// `limit` bounds one event's data and one line, in bytes.
    package init(limit: Int = 4 << 20) {
        precondition(limit > 0, "a limit is positive")
        self.limit = limit
    }

    package mutating func receive(_ bytes: RawSpan) {
        guard !hasOverflowed else { return }
        buffer.append(bytes)
    }

    /// The next event, or nil when more bytes are needed (or the limit was passed, see `hasOverflowed`).
    package mutating func next() -> ServerSentEvent? {
        guard !hasOverflowed else { return nil }
        if isAtStart {
            let mark: [UInt8] = [0xef, 0xbb, 0xbf]
            let count = min(3, buffer.count)
            let isMark = (0..<count).allSatisfy { buffer[$0] == mark[$0] }
            if isMark && count < 3 { return nil }
            if isMark { buffer.consume(3) }
            isAtStart = false
        }
        while let line = nextLine() {
            guard line.isEmpty else {
                field(line)
                if data.count > limit { hasOverflowed = true }
                if hasOverflowed { return nil }
                continue
            }
            defer {
                event = ""
                data.removeAll(keepingCapacity: true)
                hasData = false
            }
            guard hasData else { continue }
            return ServerSentEvent(
                event: event.isEmpty ? "message" : event,
                data: String(decoding: data, as: UTF8.self), id: lastID)
        }
        return nil
    }

    private mutating func nextLine() -> Range<Int>? {
        if skipsLineFeed, !buffer.isEmpty {
            if buffer[0] == 0x0a { buffer.consume(1) }
            skipsLineFeed = false
        }
        let end = buffer.storage.withUnsafeBufferPointer { bytes in
            bytes[(buffer.start + searched)...].firstIndex { $0 == 0x0a || $0 == 0x0d }
        }
        let count = end.map { $0 - buffer.start } ?? buffer.count
        guard count <= limit else {
            hasOverflowed = true
            return nil
        }
        guard end != nil else {
            searched = count
            return nil
        }
        searched = 0
        skipsLineFeed = buffer[count] == 0x0d
        let line = buffer.consume(count)
        buffer.consume(1)
        return line
    }

    private mutating func field(_ range: Range<Int>) {
        let line = buffer.storage[range]
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == 0x20 { value.removeFirst() }
        switch line[..<colon] {
        case let name where name.elementsEqual("data".utf8):
            if hasData { data.append(0x0a) }
            data.append(contentsOf: value)
            hasData = true
        case let name where name.elementsEqual("event".utf8):
            event = String(decoding: value, as: UTF8.self)
        case let name where name.elementsEqual("id".utf8):
            if !value.contains(0) { lastID = String(decoding: value, as: UTF8.self) }
        default: break
        }
    }
}
