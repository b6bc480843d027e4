import Glibc
import UproarWire

/// Which stream a message of an agent is for: its `streamSid`.
///
/// Twilio takes no message for another stream and none without a `streamSid` (warning 31951, "Invalid Message"). Agents that keep the
/// name in a variable shared by all calls are right with one call and silent, or heard by the wrong caller, with two.
struct StreamAddress: ~Copyable {
    /// The name, as it ends the messages to the agent: `MZ…"}`.
    let closing: TwilioMediaWriter.Closing
    private var isToldOfNone = false
    private var isToldOfAnother = false

    private static let key = Array(#""streamSid""#.utf8)

    init(stream: String) { closing = TwilioMediaWriter.Closing(stream: stream) }

    /// Whether `message` is for this stream. Of media a look around the payload mostly settles it.
    ///
    /// - payload: where the message's bulk lies, if it has any: it holds no name.
    func isOn(_ message: RawSpan, payload: Range<Int>? = nil) -> Bool {
        let isFound = message.withUnsafeBytes { bytes in
            guard let payload else { return false }
            return names(bytes[..<payload.lowerBound]) || names(bytes[payload.upperBound...])
        }
        return isFound || isOurs(sid(in: message))
    }

    private func isOurs(_ sid: ArraySlice<UInt8>?) -> Bool {
        guard let sid else { return false }
        return closing.withUnsafeBytes { $0.dropLast(2).elementsEqual(sid) }
    }

    /// What to tell people of a message that is not for this stream; nil when they have been told.
    mutating func remark(on message: RawSpan) -> String? {
        if sid(in: message) == nil {
            defer { isToldOfNone = true }
            return isToldOfNone
                ? nil : "the agent sent messages without a streamSid: not played (Twilio 31951)"
        }
        defer { isToldOfAnother = true }
        return isToldOfAnother
            ? nil
            : "the agent sent messages with the streamSid of another stream: not played (Twilio 31951)"
    }

    private func sid(in message: RawSpan) -> ArraySlice<UInt8>? {
        guard let text = JSONScanner.string(message, at: "streamSid") else { return nil }
        return message.withUnsafeBytes { Array($0[text.range])[...] }
    }

    /// Whether `"streamSid": "OUR NAME"` stands in `part`, whatever the blanks.
    private func names(_ part: Slice<UnsafeRawBufferPointer>) -> Bool {
        let part = UnsafeRawBufferPointer(rebasing: part)
        guard var index = place(in: part) else { return false }
        func skipBlanks() { while index > 0, part[index - 1] <= 0x20 { index -= 1 } }
        skipBlanks()
        guard index > 0, part[index - 1] == UInt8(ascii: ":") else { return false }
        index -= 1
        skipBlanks()
        return index >= Self.key.count
            && part[(index - Self.key.count)..<index].elementsEqual(Self.key)
    }

    /// Where the name stands, with its quotes. Few other bytes are a Z.
    private func place(in part: UnsafeRawBufferPointer) -> Int? {
        guard let base = part.baseAddress else { return nil }
        return closing.withUnsafeBytes { closing in
            guard let name = closing.baseAddress else { return nil }
            // Without the brace; the quote before it is looked for by itself.
            let count = closing.count - 1
            var start = 2
            while start < part.count,
                let found = memchr(base + start, Int32(UInt8(ascii: "Z")), part.count - start)
            {
                let place = UnsafeRawPointer(found) - base - 1
                if place + count <= part.count, part[place - 1] == UInt8(ascii: "\""),
                    memcmp(base + place, name, count) == 0
                {
                    return place - 1
                }
                start = place + 2
            }
            return nil
        }
    }
}
