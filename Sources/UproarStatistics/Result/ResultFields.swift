import UproarCore

/// Why a stored result cannot be read, and where in it.
package struct ResultError: Error, Hashable, Sendable, CustomStringConvertible {
    package var path: String
    package var reason: String
    package var description: String { "not a result of ours at \(path): \(reason)" }
}

/// Reads the members of one object of a stored result. Members nobody asks for are left alone: later versions add some.
struct ResultFields {
    let value: JSONValue
    let path: String

    init(_ value: JSONValue, path: String) throws(ResultError) {
        guard value.members != nil else { throw ResultError(path: path, reason: "not an object") }
        self.value = value
        self.path = path
    }

    private func missing(_ key: String, _ kind: String) -> ResultError {
        ResultError(path: "\(path).\(key)", reason: "\(kind) is due")
    }

    func has(_ key: String) -> Bool { value[key].map { !$0.isNull } ?? false }

    func text(_ key: String) throws(ResultError) -> String {
        guard let text = value[key]?.text else { throw missing(key, "text") }
        return text
    }

    func text(_ key: String, else fallback: String) -> String { value[key]?.text ?? fallback }

    func int(_ key: String) throws(ResultError) -> Int {
        guard let number = value[key]?.int else { throw missing(key, "a whole number") }
        return number
    }

    func int(_ key: String, else fallback: Int) -> Int { value[key]?.int ?? fallback }
    func count(_ key: String) -> UInt64 { UInt64(max(0, value[key]?.int ?? 0)) }
    func double(_ key: String) -> Double? { value[key]?.double }
    func flag(_ key: String) -> Bool { value[key]?.isTrue ?? false }

    func texts(_ key: String) -> [String] { (value[key]?.items ?? []).compactMap(\.text) }

    func word<Word: RawRepresentable<String>>(_ key: String, _: Word.Type) throws(ResultError)
        -> Word
    {
        let text = try text(key)
        guard let word = Word(rawValue: text) else {
            throw ResultError(path: "\(path).\(key)", reason: "'\(text)' is not known")
        }
        return word
    }

    /// Milliseconds as written, to the nanosecond.
    func duration(_ key: String) -> Duration? {
        value[key]?.double.flatMap {
            abs($0) < 9e12 ? .nanoseconds(Int64(($0 * 1e6).rounded())) : nil
        }
    }

    func instant(_ key: String) -> Instant? { duration(key).map { Instant.zero + $0 } }

    func requiredInstant(_ key: String) throws(ResultError) -> Instant {
        guard let instant = instant(key) else { throw missing(key, "a time in milliseconds") }
        return instant
    }

    func object(_ key: String) throws(ResultError) -> ResultFields {
        guard let value = value[key] else { throw missing(key, "an object") }
        return try ResultFields(value, path: "\(path).\(key)")
    }

    func objects(_ key: String) throws(ResultError) -> [ResultFields] {
        guard let items = value[key]?.items else { return [] }
        var fields: [ResultFields] = []
        for (place, item) in items.enumerated() {
            fields.append(try ResultFields(item, path: "\(path).\(key)[\(place)]"))
        }
        return fields
    }
}

extension JSONValue {
    /// Milliseconds with as many digits as the nanoseconds need: they read back exactly.
    static func milliseconds(_ duration: Duration) -> JSONValue {
        let nanoseconds = duration.nanoseconds
        return nanoseconds % 1_000_000 == 0
            ? .integer(nanoseconds / 1_000_000) : .number(Double(nanoseconds) / 1e6)
    }

    static func milliseconds(_ instant: Instant) -> JSONValue {
        milliseconds(instant - Instant.zero)
    }
    static func milliseconds(_ duration: Duration?) -> JSONValue {
        duration.map { milliseconds($0) } ?? .null
    }
    static func milliseconds(_ instant: Instant?) -> JSONValue {
        instant.map { milliseconds($0) } ?? .null
    }

    static func count(_ value: UInt64) -> JSONValue { .integer(Int64(clamping: value)) }

    /// An object without the members whose value is null: what was not observed is absent.
    static func present(_ pairs: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(pairs.compactMap { $0.value.isNull ? nil : Member($0.key, $0.value) })
    }

    /// The same for lists and objects with nothing in them.
    var unlessEmpty: JSONValue {
        switch self {
        case .array(let items) where items.isEmpty: .null
        case .object(let members) where members.isEmpty: .null
        case .integer(0): .null
        default: self
        }
    }
}

extension MetricTags {
    var json: JSONValue { .object(tags.map { JSONValue.Member($0.key, .string($0.value)) }) }

    init(json: JSONValue?) {
        self.init()
        for member in json?.members ?? [] { self[member.key] = member.value.text }
    }
}
