import UproarCore

/// What a sample is told apart by: `channel=phone`, `transport=twilio`, `load=hold-1`, `provider=deepgram`.
///
/// Sorted by key, one value each, so that equal tags are equal values and print alike.
package struct MetricTags: Hashable, Sendable, Comparable, CustomStringConvertible {
    package struct Tag: Hashable, Sendable {
        package var key: String
        package var value: String
    }

    package private(set) var tags: [Tag] = []

    package init() {}

    package subscript(key: String) -> String? {
        get { tags.first { $0.key == key }?.value }
        set {
            tags.removeAll { $0.key == key }
            guard let newValue else { return }
            let place = tags.firstIndex { $0.key > key } ?? tags.count
            tags.insert(Tag(key: key, value: newValue), at: place)
        }
    }

    package func with(_ key: String, _ value: String?) -> MetricTags {
        var copy = self
        copy[key] = value
        return copy
    }

    package func match(_ selector: [GateRule.Condition]) -> Bool {
        selector.allSatisfy { $0.holds(of: self[$0.key]) }
    }

    /// `channel=phone,transport=twilio`.
    package var description: String {
        tags.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    package static func < (a: MetricTags, b: MetricTags) -> Bool { a.description < b.description }
}

extension MetricTags: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral pairs: (String, String)...) {
        for (key, value) in pairs { self[key] = value }
    }
}
