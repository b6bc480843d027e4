import UproarCore

/// A fault in one line, for flags and people in a hurry: `delay delay=100ms jitter=20ms direction=down p=1/2 for=30s`.
package struct FaultText: Hashable, Sendable {
    package var name: String
    package var attributes: [TimelineEvent.Attribute] = []
    package var chance = Chance.always
    /// nil: until it is cleared.
    package var lasting: Duration?
    /// `where`, as `command=GET`.
    package var conditions: [TimelineEvent.Condition] = []

    private static let ownKeys = ["p", "for"]

    /// - faults: what may be named.
    package init(_ text: String, among faults: [FaultDescriptor]) throws(TextProblem) {
        let words = Self.words(text)
        guard let first = words.first else {
            throw TextProblem(
                offset: 0, reason: "no fault is named",
                allowed: "a fault and its attributes, as: delay delay=100ms")
        }
        let fault: FaultDescriptor = try ScalarText.word(
            first, of: faults.map { ($0.name, $0) }, what: "fault")
        name = fault.name
        for word in words.dropFirst() {
            guard let equals = word.firstIndex(of: "=") else {
                throw TextProblem(
                    offset: 0, reason: "\"\(word)\" has no value", allowed: "key=value")
            }
            let key = String(word[..<equals])
            let value = String(word[word.index(after: equals)...])
            try take(key, value, fault)
        }
        for attribute in fault.attributes where attribute.isRequired {
            guard attributes.contains(where: { $0.name == attribute.name }) else {
                throw TextProblem(
                    offset: 0, reason: "\(fault.name) needs \(attribute.name)=",
                    allowed: attribute.summary)
            }
        }
    }

    private mutating func take(_ key: String, _ value: String, _ fault: FaultDescriptor)
        throws(TextProblem)
    {
        if let attribute = fault.attributes.first(where: { $0.name == key }) {
            attributes.append(
                .init(
                    name: key, value: try TimelineReader.value(value, attribute.kind), text: value))
            return
        }
        switch key {
        case "p": chance = try ScalarText.chance(value)
        case "for": lasting = try ScalarText.positiveDuration(value)
        case let key where TimelineReader.matchKeys.contains(key):
            conditions.append(.init(key: key, value: value))
        default:
            let known =
                fault.attributes.map(\.name) + Self.ownKeys + TimelineReader.matchKeys
            throw TextProblem(
                offset: 0,
                reason: "\(fault.name) has no \(key)" + ScalarText.suggestion(key, among: known),
                allowed: known.joined(separator: ", "))
        }
    }

    /// Split at blanks outside brackets: `uniform(1ms, 2ms)` is one word.
    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var depth = 0
        for letter in text {
            if letter == "(" { depth += 1 }
            if letter == ")" { depth -= 1 }
            if letter == " ", depth <= 0 {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(letter)
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}
