import UproarCore

/// An answer in JSON, by the schema that was asked for: the text stands in its first string, the rest is the least that fits.
enum JSONAnswer {
    static func text(_ text: String, as shape: ChatCompletionRequest.JSONShape?) -> String {
        var isSaid = false
        switch shape {
        case .schema(let schema)?:
            return value(of: schema, saying: text, &isSaid, depth: 0).text(pretty: false)
        case .object?, nil: return JSONValue.object(["reply": .string(text)]).text(pretty: false)
        }
    }

    /// Schemas may refer to themselves: what lies deeper than this is null.
    private static let depthLimit = 16

    private static func value(
        of schema: JSONValue, saying text: String, _ isSaid: inout Bool, depth: Int
    ) -> JSONValue {
        guard depth < depthLimit else { return .null }
        if let constant = schema["const"] { return constant }
        if let first = schema["enum"]?[0] { return first }
        if let choice = schema["anyOf"]?[0] ?? schema["oneOf"]?[0] {
            return value(of: choice, saying: text, &isSaid, depth: depth + 1)
        }
        switch schema["type"]?.text ?? schema["type"]?[0]?.text {
        case "object":
            var members: [JSONValue.Member] = []
            for property in schema["properties"]?.members ?? [] {
                members.append(
                    .init(
                        property.key,
                        value(of: property.value, saying: text, &isSaid, depth: depth + 1)))
            }
            return .object(members)
        case "array":
            guard let items = schema["items"], (schema["minItems"]?.int ?? 0) > 0 else {
                return .array([])
            }
            return .array([value(of: items, saying: text, &isSaid, depth: depth + 1)])
        case "integer", "number":
            return .integer(Int64(schema["minimum"]?.int ?? 0))
        case "boolean": return false
        case "null": return .null
        default:
            defer { isSaid = true }
            return .string(isSaid ? "" : text)
        }
    }
}
