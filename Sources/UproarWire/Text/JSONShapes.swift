import Glibc
import UproarCore

/// Finds one string in messages of one kind by their likeness to messages before: for the media path, where thousands of messages a
/// second differ in a few values alone.
///
///     {"event":"media","sequenceNumber":"4","media":{"track":"inbound","chunk":"2","timestamp":"20","payload":"…"},…
///     └─────────────── head: fixed ─────┘ ^ free ┘└── fixed ──┘ …                             └── payload ──┘└ a quote
///
/// What lies in front of the string is remembered: which bytes are fixed, and which are the insides of other string values and may be
/// anything but a quote or a backslash. A message with the same fixed bytes, such free ones, and a string as long that holds neither
/// quotes nor backslashes, has the same structure, so a look at all of it would find the same. Messages are remembered by their
/// length, because numbers grow by a digit now and then.
package struct JSONShapes {
    private let key: StaticString
    private let kind: StaticString
    private let outer: StaticString
    private let inner: StaticString
    private var shapes = [Shape](repeating: Shape(), count: 16)

    private static let longestHead = 192

    fileprivate struct Shape {
        var head: [UInt8] = []
        /// As long; 0xff where a byte is free.
        var free: [UInt8] = []
        var stringCount = 0

        var headCount: Int { head.count }
    }

    /// Messages whose `key` is `kind`; the string is the one at `outer`, `inner`.
    package init(
        where key: StaticString, is kind: StaticString, at outer: StaticString,
        _ inner: StaticString
    ) {
        self.key = key
        self.kind = kind
        self.outer = outer
        self.inner = inner
    }

    /// Where the string's contents lie; nil for a message of another kind, one without the string, and one with escapes in it.
    package mutating func string(in message: RawSpan) -> Range<Int>? {
        let place = message.byteCount & 15
        if let known = shapes[place].string(in: message) { return known }
        guard JSONScanner.holds(message, at: key, kind),
            let text = JSONScanner.string(message, at: outer, inner), !text.hasEscapes
        else { return nil }
        if let named = JSONScanner.string(message, at: key), !named.hasEscapes,
            named.range.upperBound < text.range.lowerBound,
            text.range.lowerBound <= Self.longestHead
        {
            shapes[place].remember(message, text.range, kind: named.range)
        }
        return text.range
    }
}

extension JSONShapes.Shape {
    func string(in message: RawSpan) -> Range<Int>? {
        let end = headCount + stringCount
        guard headCount > 0, message.byteCount > end else { return nil }
        let isLike = message.withUnsafeBytes { message in
            guard message[end] == UInt8(ascii: "\"") else { return false }
            let isLike = head.withUnsafeBytes { head in
                free.withUnsafeBytes { free in Self.isLike(message, head, free) }
            }
            return isLike && Self.isPlain(message, headCount, end)
        }
        return isLike ? headCount..<end : nil
    }

    private static func isLike(
        _ message: UnsafeRawBufferPointer, _ head: UnsafeRawBufferPointer,
        _ free: UnsafeRawBufferPointer
    ) -> Bool {
        let count = head.count
        let ones: UInt64 = 0x0101_0101_0101_0101
        var index = 0
        while index &+ 8 <= count {
            let part = message.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let fixed = head.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let isFree = free.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            // A byte is zero where its highest bit is set after one is taken off and it was not set before.
            let quotes = part ^ (ones &* UInt64(UInt8(ascii: "\"")))
            let backslashes = part ^ (ones &* UInt64(UInt8(ascii: "\\")))
            let ends = (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes
            guard (part ^ fixed) & ~isFree == 0, ends & isFree & (ones &* 0x80) == 0 else {
                return false
            }
            index &+= 8
        }
        while index < count {
            let byte = message[index]
            let isEnd = byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
            guard byte == head[index] || free[index] != 0 && !isEnd else { return false }
            index &+= 1
        }
        return true
    }

    /// Neither a quote nor a backslash.
    private static func isPlain(_ message: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool
    {
        guard let base = message.baseAddress else { return true }
        return memchr(base + start, Int32(UInt8(ascii: "\"")), end - start) == nil
            && memchr(base + start, Int32(UInt8(ascii: "\\")), end - start) == nil
    }

    /// - kind: the insides of the value that tells the kind, which stays fixed.
    mutating func remember(_ message: RawSpan, _ string: Range<Int>, kind: Range<Int>) {
        stringCount = string.count
        message.withUnsafeBytes { message in
            head = Array(message[..<string.lowerBound])
            free = [UInt8](repeating: 0, count: head.count)
            // Strings one after the other; what a colon follows is a key.
            var index = 0
            while index < headCount {
                guard message[index] == UInt8(ascii: "\"") else {
                    index += 1
                    continue
                }
                let start = index + 1
                var end = start
                var hasEscapes = false
                while end < headCount, message[end] != UInt8(ascii: "\"") {
                    if message[end] == UInt8(ascii: "\\") {
                        hasEscapes = true
                        end += 1
                    }
                    end += 1
                }
                var next = end + 1
                while next < headCount, message[next] <= 0x20 { next += 1 }
                let isValue = next < headCount && message[next] == UInt8(ascii: ",")
                if isValue, !hasEscapes, start != kind.lowerBound {
                    for place in start..<end { free[place] = 0xff }
                }
                index = end + 1
            }
        }
    }
}
