import UproarCore

/// What faults must know of a vendor's answers: where content stands in a chunk. A chunk is one WebSocket message or one piece of a body.
package struct AnswerDialect: Hashable, Sendable {
    /// Where the content of a chunk is.
    package var content: Content

    package enum Content: Hashable, Sendable {
        /// Every byte.
        case all
        /// Server-sent events that hold one of these texts, not followed at once by a quotation mark.
        case events([String])
        /// Messages that hold this text.
        case messages(String)
    }

    package init(content: Content) { self.content = content }

    /// What content stands behind; none where every byte is content.
    package var marks: [String] {
        switch content {
        case .all: []
        case .events(let marks): marks
        case .messages(let mark): [mark]
        }
    }

    /// Bytes of content in the chunk; 0 for heads, ends and keep-alives.
    package func contentCount(in chunk: [UInt8]) -> Int {
        switch content {
        case .all: chunk.count
        case .messages(let mark): Self.holds(chunk[...], mark) ? chunk.count : 0
        case .events(let marks):
            Self.events(chunk).reduce(0) { sum, event in
                sum + (marks.contains { Self.holds(event, $0) } ? event.count : 0)
            }
        }
    }

    /// The chunk without its content: nothing, or the events that are none.
    package func emptied(_ chunk: [UInt8]) -> [UInt8] {
        guard case .events(let marks) = content else { return [] }
        return Self.events(chunk).filter { event in !marks.contains { Self.holds(event, $0) } }
            .flatMap { $0 }
    }

    /// The chunk with its content changed and all else as it was.
    package func changed(_ chunk: [UInt8], _ change: ([UInt8]) -> [UInt8]) -> [UInt8] {
        guard case .events(let marks) = content else { return change(chunk) }
        return Self.events(chunk).flatMap { event in
            marks.contains { Self.holds(event, $0) } ? change(Array(event)) : Array(event)
        }
    }

    /// Whole events, each with the blank line that ends it; the rest of a chunk is an event, too.
    private static func events(_ chunk: [UInt8]) -> [ArraySlice<UInt8>] {
        var events: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 1
        while index < chunk.count {
            if chunk[index] == 0x0a, chunk[index - 1] == 0x0a {
                events.append(chunk[start...index])
                start = index + 1
                index += 1
            }
            index += 1
        }
        if start < chunk.count { events.append(chunk[start...]) }
        return events
    }

    private static func holds(_ bytes: ArraySlice<UInt8>, _ mark: String) -> Bool {
        let mark = Array(mark.utf8)
        guard bytes.count > mark.count else { return false }
        for start in bytes.startIndex...(bytes.endIndex - mark.count)
        where bytes[start] == mark[0] && bytes[start..<start + mark.count].elementsEqual(mark) {
            // An empty text is no content.
            let next = start + mark.count
            return next >= bytes.endIndex || bytes[next] != UInt8(ascii: "\"")
        }
        return false
    }
}
