import UproarCore

/// Turn references as words in text: found, left out, put around a reply.
///
/// Two proquint-like English words in a row ("human robot") may look like a reference, so a value counts only when its call
/// lies in the run's plan.
package struct ReferenceText: Sendable {
    package let key: ReferenceKey
    /// Calls of the run are below this; the smaller, the fewer chance finds.
    package let callLimit: UInt32

    package init(key: ReferenceKey, callLimit: UInt32 = TurnReference.callLimit) {
        self.key = key
        self.callLimit = min(callLimit, TurnReference.callLimit)
    }

    package struct Found: Hashable, Sendable {
        package var reference: TurnReference
        /// Byte offsets in the text's UTF-8.
        package var range: Range<Int>
    }

    /// Every reference in `text`, in order: of utterances and of replies.
    package func references(in text: some Sequence<UInt8>) -> [Found] {
        Proquint.matches(in: text) { reference(ofWire: $0) != nil }.compactMap { match in
            reference(ofWire: match.value).map { Found(reference: $0, range: match.range) }
        }
    }

    /// The reference behind 32 bits, when it may belong to the run.
    package func reference(ofWire value: UInt32) -> TurnReference? {
        guard let reference = key.reference(value), reference.call < callLimit else { return nil }
        return reference
    }

    /// `lusab babad`.
    package func words(_ reference: TurnReference) -> String {
        Proquint.words(key.wire(reference))
    }

    /// The text without references and without the punctuation that set them apart: what was meant to be said.
    package func plain(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let found = references(in: bytes)
        return found.isEmpty ? text : Self.text(bytes, without: found.map(\.range))
    }

    static func text(_ bytes: [UInt8], without ranges: [Range<Int>]) -> String {
        var output: [UInt8] = []
        var place = 0
        for range in ranges {
            output.append(contentsOf: bytes[place..<range.lowerBound])
            while let last = output.last, isSpace(last) || last == UInt8(ascii: ",") {
                output.removeLast()
            }
            place = range.upperBound
            // At the head its whole punctuation goes; further in, an end mark stays with the sentence it ends.
            let endsSentence = !output.isEmpty && !isEndMark(output[output.count - 1])
            while place < bytes.count,
                isSpace(bytes[place]) || isSeparator(bytes[place])
                    || !endsSentence && isEndMark(bytes[place])
            {
                place += 1
            }
            if !output.isEmpty, place < bytes.count, !isEndMark(bytes[place]) {
                output.append(UInt8(ascii: " "))
            }
        }
        output.append(contentsOf: bytes[place...])
        return String(decoding: output, as: UTF8.self)
    }

    /// A reply as the language model sends it: the reference in front and at the end, within its first and last sentence.
    ///
    /// `Done, it is on your list.` becomes `Lusab babad, Done, it is on your list, lusab babad.`
    ///
    /// An agent that speaks the first clause early must not wait long for its end: after the reference it has at most four
    /// words, so a longer one gets an opening word of its own.
    package func echo(_ text: String, _ reference: TurnReference) -> String {
        let words = words(reference)
        var body = Array(Self.opened(text).utf8)
        while let last = body.last, Self.isSpace(last) { body.removeLast() }
        var end = UInt8(ascii: ".")
        while let last = body.last, Self.isEndMark(last) || Self.isSeparator(last) {
            if Self.isEndMark(last) { end = last }
            body.removeLast()
        }
        let head = words.prefix(1).uppercased() + words.dropFirst()
        guard !body.isEmpty else { return head + String(UnicodeScalar(end)) }
        return head + ", " + String(decoding: body, as: UTF8.self) + ", " + words
            + String(UnicodeScalar(end))
    }

    /// What `opened` puts in front.
    package static let opener = "Okay, "

    /// `text` with an opening word when its first clause has more than four words.
    package static func opened(_ text: String) -> String {
        var words = 0
        var isInWord = false
        for byte in text.utf8 {
            if isEndMark(byte) || isSeparator(byte) { break }
            if isSpace(byte) {
                isInWord = false
            } else if !isInWord {
                isInWord = true
                words += 1
            }
        }
        return words > 4 ? opener + text : text
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }
    static func isEndMark(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?")
    }
    static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";") || byte == UInt8(ascii: ":")
    }
}
