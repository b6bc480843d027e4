import UproarCore

/// Holds a value against a JSON Schema: the part of draft 2020-12 that `docs/result-schema.json` uses.
///
/// Stricter than the standard in one thing: a member that the schema does not describe is an error, so that nothing is added to
/// results without being documented. Keywords it does not know are errors too.
struct SchemaChecker {
    private let root: JSONValue
    private let definitions: [String: JSONValue]

    init(_ schema: JSONValue) {
        root = schema
        var definitions: [String: JSONValue] = [:]
        for member in schema["$defs"]?.members ?? [] {
            definitions["#/$defs/" + member.key] = member.value
        }
        self.definitions = definitions
    }

    /// What is wrong, each with its place; empty when all is well.
    func errors(in value: JSONValue) -> [String] { errors(value, root).map { "$" + $0 } }

    /// Errors begin with the place inside `value`: it is only put together for those there are.
    private func errors(_ value: JSONValue, _ schema: JSONValue) -> [String] {
        var found: [String] = []
        func fail(_ text: String) { found.append(": " + text) }
        for rule in schema.members ?? [] {
            switch rule.key {
            case "$schema", "$id", "$defs", "title", "description", "additionalProperties": break
            case "$ref":
                guard let target = definitions[rule.value.text ?? ""] else {
                    fail("no definition \(rule.value)")
                    break
                }
                found += errors(value, target)
            case "anyOf":
                let choices = rule.value.items ?? []
                if !choices.contains(where: { errors(value, $0).isEmpty }) {
                    fail("fits none of \(choices.count) forms")
                }
            case "type":
                let names = rule.value.items?.compactMap(\.text) ?? [rule.value.text ?? ""]
                if !names.contains(where: { isA(value, $0) }) { fail("is not \(names)") }
            case "enum":
                if rule.value.items?.contains(value) != true {
                    fail("\(value.text(pretty: false)) is not one of the words")
                }
            case "const": if rule.value != value { fail("is not \(rule.value)") }
            case "minimum":
                if let number = value.double, number < rule.value.double ?? 0 {
                    fail("\(number) is too small")
                }
            case "minItems":
                if let count = value.items?.count, count < rule.value.int ?? 0 {
                    fail("\(count) items")
                }
            case "maxItems":
                if let count = value.items?.count, count > rule.value.int ?? 0 {
                    fail("\(count) items")
                }
            case "items":
                for (place, item) in (value.items ?? []).enumerated() {
                    for error in errors(item, rule.value) { found.append("[\(place)]" + error) }
                }
            case "required":
                guard value.members != nil else { break }
                for key in (rule.value.items ?? []).compactMap(\.text) where value[key] == nil {
                    fail("'\(key)' is missing")
                }
            case "properties":
                for member in value.members ?? [] {
                    guard
                        let inner = rule.value[member.key] ?? schema["additionalProperties"]
                    else {
                        fail("'\(member.key)' is not described")
                        continue
                    }
                    for error in errors(member.value, inner) {
                        found.append(".\(member.key)" + error)
                    }
                }
            default: fail("the schema's keyword '\(rule.key)' is not checked")
            }
        }
        return found
    }

    private func isA(_ value: JSONValue, _ type: String) -> Bool {
        switch type {
        case "object": value.members != nil
        case "array": value.items != nil
        case "string": value.text != nil
        case "boolean": value == .bool(true) || value == .bool(false)
        case "integer": value.int != nil
        case "number": value.double != nil
        case "null": value.isNull
        default: false
        }
    }
}
