import UproarCore
import UproarStatistics

/// Why a stored capacity cannot be read.
package struct CapacityFileError: Error, Hashable, Sendable, CustomStringConvertible {
    package var path: String
    package var reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(path): \(reason)" }
}

extension JSONValue {
    /// An object without the members whose value is null: what was not observed is absent.
    static func known(_ pairs: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(pairs.compactMap { $0.value.isNull ? nil : Member($0.key, $0.value) })
    }

    /// With six digits that matter, so that files stay small and the same everywhere.
    static func figure(_ value: Double?) -> JSONValue {
        guard let value, value.isFinite else { return .null }
        if value == value.rounded(), abs(value) < 1e15 { return .integer(Int64(value)) }
        var scale = 1.0
        while abs(value) * scale < 1e5, scale < 1e15 { scale *= 10 }
        return .number((value * scale).rounded() / scale)
    }

    static func texts(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }

    static func interval(_ value: ConfidenceInterval?) -> JSONValue {
        guard let value else { return .null }
        return .object([
            .init("low", .figure(value.low)), .init("high", .figure(value.high)),
            .init("confidence", .number(value.confidence)),
        ])
    }

    var interval: ConfidenceInterval? {
        guard members != nil else { return nil }
        return ConfidenceInterval(
            low: self["low"]?.double, high: self["high"]?.double,
            confidence: self["confidence"]?.double ?? 0.95)
    }

    func count(_ key: String) -> UInt64 { UInt64(max(0, self[key]?.int ?? 0)) }
    func text(_ key: String) -> String { self[key]?.text ?? "" }
    func list(_ key: String) -> [JSONValue] { self[key]?.items ?? [] }
    func words(_ key: String) -> [String] { list(key).compactMap(\.text) }

    func required(_ key: String, _ path: String) throws(CapacityFileError) -> String {
        guard let text = self[key]?.text else {
            throw CapacityFileError(path: "\(path).\(key)", reason: "text is due")
        }
        return text
    }

    func requiredWord<Word: RawRepresentable<String>>(
        _ key: String, _ path: String, _: Word.Type
    ) throws(CapacityFileError) -> Word {
        let text = try required(key, path)
        guard let word = Word(rawValue: text) else {
            throw CapacityFileError(path: "\(path).\(key)", reason: "'\(text)' is not known")
        }
        return word
    }
}
