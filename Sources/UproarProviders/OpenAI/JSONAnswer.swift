import UproarCore

/// JSON by the schema that was asked for: the text stands in its first free string, the rest is the least that fits.
///
/// Of JSON Schema what vendors take for structured output (platform.openai.com/docs/guides/structured-outputs, "Supported
/// schemas"), and the bounds that clients check again: `$ref` into the schema itself, lengths, formats, minima. A `pattern` is not met.
struct JSONAnswer {
    private let root: JSONValue
    private let text: String
    private var isSaid = false
    /// So many values more may be made: a schema that holds itself twice doubles at each step.
    private var left = 4096

    private init(_ root: JSONValue, saying text: String) {
        self.root = root
        self.text = text
    }

    static func text(_ text: String, as shape: ChatCompletionRequest.JSONShape?) -> String {
        switch shape {
        case .schema(let schema)?:
            var answer = JSONAnswer(schema, saying: text)
            return answer.value(of: schema, depth: 0).text(pretty: false)
        case .object?, nil: return JSONValue.object(["reply": .string(text)]).text(pretty: false)
        }
    }

    /// A tool's arguments with whatever its schema requires and they lack.
    static func completed(_ given: JSONValue, by schema: JSONValue, saying text: String)
        -> JSONValue
    {
        guard var members = given.members else { return given }
        var answer = JSONAnswer(schema, saying: text)
        let shape = answer.resolved(schema)
        // What was given holds the words already.
        answer.isSaid = members.contains { $0.value.text != nil }
        for name in shape["required"]?.texts ?? [] where given[name] == nil {
            guard let property = shape["properties"]?[name] else { continue }
            members.append(.init(name, answer.value(of: property, depth: 1)))
        }
        return .object(members)
    }

    /// Schemas may refer to themselves: what lies deeper than this is null.
    private static let depthLimit = 16

    /// `#/$defs/Task`, followed to what it names.
    private func resolved(_ schema: JSONValue) -> JSONValue {
        var schema = schema
        for _ in 0..<Self.depthLimit {
            guard let reference = schema["$ref"]?.text, reference.hasPrefix("#") else { break }
            var place = root
            for step in reference.split(separator: "/").dropFirst() {
                place = place[String(step)] ?? .null
            }
            schema = place
        }
        return schema
    }

    private mutating func value(of schema: JSONValue, depth: Int) -> JSONValue {
        guard depth < Self.depthLimit, left > 0 else { return .null }
        left -= 1
        let schema = resolved(schema)
        if let constant = schema["const"] { return constant }
        if let first = schema["enum"]?[0] { return first }
        if let choice = schema["anyOf"]?[0] ?? schema["oneOf"]?[0] {
            return value(of: choice, depth: depth + 1)
        }
        // What a model generator wraps a reference in, to give it a description.
        if let only = schema["allOf"]?[0], schema["properties"] == nil {
            return value(of: only, depth: depth + 1)
        }
        switch schema["type"]?.text ?? schema["type"]?[0]?.text {
        case "object": return object(schema, depth: depth)
        case nil where schema["properties"] != nil: return object(schema, depth: depth)
        case "array":
            let count = min(schema["minItems"]?.int ?? 0, 64)
            guard let items = schema["items"] ?? schema["prefixItems"]?[0], count > 0 else {
                return .array([])
            }
            return .array((0..<count).map { _ in value(of: items, depth: depth + 1) })
        case "integer", "number": return number(schema)
        case "boolean": return false
        case "null": return .null
        default: return string(schema)
        }
    }

    private mutating func object(_ schema: JSONValue, depth: Int) -> JSONValue {
        .object(
            (schema["properties"]?.members ?? []).map { property in
                .init(property.key, value(of: property.value, depth: depth + 1))
            })
    }

    private func number(_ schema: JSONValue) -> JSONValue {
        if let least = schema["minimum"] { return least }
        if let below = schema["exclusiveMinimum"]?.double {
            return .integer(Int64(max(-9e15, min(9e15, below.rounded(.down)))) + 1)
        }
        if let most = schema["maximum"], (most.double ?? 0) < 0 { return most }
        return .integer(0)
    }

    private mutating func string(_ schema: JSONValue) -> JSONValue {
        if let format = schema["format"]?.text, let sample = Self.samples[format] {
            return .string(sample)
        }
        var made = isSaid ? "" : text
        isSaid = true
        let least = min(schema["minLength"]?.int ?? 0, 4096)
        while made.count < least { made += made.isEmpty ? "words" : " and more" }
        if let most = schema["maxLength"]?.int, made.count > max(0, most) {
            made = String(made.prefix(max(0, most)))
        }
        return .string(made)
    }

    private static let samples: [String: String] = [
        "date-time": "2026-01-01T12:00:00Z", "date": "2026-01-01", "time": "12:00:00Z",
        "duration": "PT1H", "email": "caller@example.com", "hostname": "example.com",
        "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "uri": "https://example.com/",
        "uuid": "00000000-0000-4000-8000-000000000000",
    ]
}
