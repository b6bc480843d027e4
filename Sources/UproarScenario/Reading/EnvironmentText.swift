import UproarCore

/// `${NAME}` and `${NAME:-default}` in a scenario's texts: values of the environment in which the run is started.
///
/// A name is a letter or `_`, then letters, digits and `_`; variables of a command target have a dot in their names and are
/// none of this. `$${` is a plain `${`. As in a shell, `:-` also stands in for an empty value.
package struct EnvironmentText: Hashable, Sendable {
    package var name: String
    package var fallback: String?

    /// What stands between `${` and `}`; nil when it is no name of the environment.
    package init?(_ text: String) {
        let name: Substring
        if let place = text.firstIndex(of: ":") {
            let rest = text[text.index(after: place)...]
            guard rest.first == "-" else { return nil }
            name = text[..<place]
            fallback = String(rest.dropFirst())
        } else {
            name = text[...]
        }
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            name.utf8.allSatisfy({ TextScanner.isWordByte($0) && $0 != UInt8(ascii: "-") })
        else { return nil }
        self.name = String(name)
    }

    /// The value by `environment`, which answers nil for a name that is not set.
    package func value(_ environment: (String) -> String?) -> String? {
        let value = environment(name)
        if let fallback, value?.isEmpty ?? true { return fallback }
        return value
    }

    static let allowed =
        "a name of the environment such as ${REGION}, or with a default, ${REGION:-eu}; $${ for a plain ${"

    /// A text with every variable replaced; nil when there was none.
    static func replaced(_ text: String, _ environment: (String) -> String?) throws(TextProblem)
        -> String?
    {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var place = 0
        var isChanged = false
        while place < bytes.count {
            if bytes[place...].starts(with: "$${".utf8) {
                result += "${".utf8
                place += 3
                isChanged = true
            } else if bytes[place...].starts(with: "${".utf8) {
                guard let end = bytes[place...].firstIndex(of: UInt8(ascii: "}")) else {
                    throw TextProblem(
                        offset: place, reason: "\"${\" without its \"}\"", allowed: allowed)
                }
                let inner = String(decoding: bytes[(place + 2)..<end], as: UTF8.self)
                guard let variable = EnvironmentText(inner) else {
                    let isOfTarget = TargetVariable(name: inner) != nil
                    throw TextProblem(
                        offset: place,
                        reason: isOfTarget
                            ? "${\(inner)} is known to the target's command alone"
                            : "unknown variable ${\(inner)}",
                        allowed: allowed)
                }
                guard let value = variable.value(environment) else {
                    throw TextProblem(
                        offset: place, reason: "the environment has no \(variable.name)",
                        allowed: "a variable that is set, or ${\(variable.name):-default}")
                }
                result += value.utf8
                place = end + 1
                isChanged = true
            } else {
                result.append(bytes[place])
                place += 1
            }
        }
        return isChanged ? String(decoding: result, as: UTF8.self) : nil
    }
}

extension YAMLNode {
    /// The document with the environment's values in its texts. The texts of a command target keep their variables: those are
    /// replaced when the command is started, so that no result holds them.
    func withEnvironment(_ reading: Reading, _ environment: (String) -> String?) -> YAMLNode {
        var node = self
        switch content {
        case .scalar(let text):
            do {
                guard let changed = try EnvironmentText.replaced(text, environment) else {
                    return self
                }
                // The text is no longer what stands in the file, so places inside it mean nothing.
                node.content = .scalar(changed)
                node.style = .block
            } catch {
                reading.report(error, in: self, page: "docs/scenario.md#environment")
            }
        case .list(let items):
            node.content = .list(items.map { $0.withEnvironment(reading, environment) })
        case .map(let entries):
            node.content = .map(
                entries.map { entry in
                    if entry.key == "target", entry.value["command"] != nil { return entry }
                    return .init(
                        key: entry.key, mark: entry.mark,
                        value: entry.value.withEnvironment(reading, environment))
                })
        }
        return node
    }
}
