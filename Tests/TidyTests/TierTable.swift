/// What may import what: the table of ARCHITECTURE.md, and what Package.swift says.
struct TierTable {
    struct Row: Equatable {
        var tier: Int
        var target: String
        var dependencies: [String]
    }

    var rows: [Row]

    /// Reads rows of the form ``| 2 | `UproarWire` | Core, Crypto | … |``.
    init(markdown: String) {
        rows = markdown.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmed }
            guard cells.count >= 5, let tier = Int(cells[1]), cells[2].hasPrefix("`") else {
                return nil
            }
            let names = cells[3] == "–" ? [] : cells[3].split(separator: ",").map { $0.trimmed }
            return Row(
                tier: tier, target: cells[2].filter { $0 != "`" },
                dependencies: names.map(Self.fullName))
        }
    }

    /// `Wire` is `UproarWire`; C libraries have their names already.
    static func fullName(_ name: String) -> String {
        let second = name.dropFirst().first
        let isLibrary = name.hasPrefix("C") && (second?.isUppercase ?? false)
        return isLibrary || name.hasPrefix("Uproar") ? name : "Uproar\(name)"
    }

    func row(of target: String) -> Row? { rows.first { $0.target == target } }
}

/// The targets that Package.swift declares.
struct PackageTargets {
    struct Target: Equatable {
        var name: String
        var folder: String
        var dependencies: [String]
    }

    var targets: [Target] = []

    init(manifest: String) {
        for call in Self.calls("module", in: manifest) {
            let lists = Self.lists(call)
            guard let name = Self.strings(call).first else { continue }
            let full = "Uproar\(name)"
            targets.append(
                Target(
                    name: full, folder: "Sources/\(full)",
                    dependencies: lists.flatMap { $0 }.map(TierTable.fullName)))
        }
        for call in Self.calls("tests", in: manifest) {
            guard let name = Self.strings(call).first else { continue }
            let full = "Uproar\(name)Tests"
            let others = Self.lists(call).flatMap { $0 }.filter { $0.first?.isUppercase ?? false }
            targets.append(
                Target(
                    name: full, folder: "Tests/\(full)",
                    dependencies: ([name] + others).map(TierTable.fullName)))
        }
        for call in Self.calls(".executableTarget", in: manifest) {
            guard let name = Self.strings(call).first else { continue }
            targets.append(
                Target(
                    name: name, folder: Self.value("path", in: call) ?? "Sources/\(name)",
                    dependencies: Self.lists(call).first ?? []))
        }
    }

    /// The texts between the parentheses of calls of `name` at the start of a line.
    private static func calls(_ name: String, in manifest: String) -> [String] {
        var found: [String] = []
        var lines = manifest.split(separator: "\n", omittingEmptySubsequences: false)[...]
        while let line = lines.first {
            lines = lines.dropFirst()
            guard line.trimmed.hasPrefix("\(name)(") else { continue }
            var text = line.trimmed.dropFirst(name.count)
            while Self.depth(text) > 0, let more = lines.popFirst() {
                text += "\n" + more
            }
            found.append(String(text))
        }
        return found
    }

    private static func depth(_ text: Substring) -> Int {
        text.reduce(0) { $0 + ($1 == "(" ? 1 : $1 == ")" ? -1 : 0) }
    }

    private static func strings(_ text: String) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    /// The strings of each bracketed list.
    private static func lists(_ text: String) -> [[String]] {
        text.split(separator: "[").dropFirst().map { part in
            strings(String(part.prefix { $0 != "]" }))
        }
    }

    private static func value(_ label: String, in text: String) -> String? {
        guard let place = text.firstRange(of: "\(label): \"") else { return nil }
        return String(text[place.upperBound...].prefix { $0 != "\"" })
    }
}

extension StringProtocol {
    var trimmed: String {
        var rest = self[...]
        while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
        while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
        return String(rest)
    }
}
