import UproarCore

/// One reading of a scenario and its files: collects every problem, so that a person sees all of them at once.
final class Reading {
    private(set) var problems: [FileProblem] = []
    /// The file that was asked for; others are read because it names them.
    let mainFile: String

    init(file: String) { mainFile = file }

    func report(_ problem: FileProblem) { problems.append(problem) }

    func report(_ mark: YAMLMark, _ reason: String, allowed: String, page: String) {
        report(FileProblem(mark: mark, reason: reason, allowed: allowed, page: page))
    }

    /// What is wrong inside a scalar, at its place in the file.
    func report(_ problem: TextProblem, in node: YAMLNode, _ prefix: String = "", page: String) {
        report(
            node.mark(at: problem.offset), prefix + problem.reason, allowed: problem.allowed,
            page: page)
    }

    /// The value of a scalar node, or nil and a problem. `path` names the setting.
    func value<Value>(
        _ node: YAMLNode, path: String, page: String,
        _ parse: (String) throws(TextProblem) -> Value
    ) -> Value? {
        guard let text = node.scalar, !node.isEmpty else {
            report(
                node.mark, "\(path) holds \(node.kindName)", allowed: "one plain value",
                page: page)
            return nil
        }
        do {
            return try parse(text)
        } catch {
            report(error, in: node, "\(path): ", page: page)
            return nil
        }
    }

    /// The items of a list node, or nil and a problem.
    func list(_ node: YAMLNode, path: String, page: String, of what: String) -> [YAMLNode]? {
        if let items = node.list { return items }
        report(
            node.mark, "\(path) holds \(node.kindName)", allowed: "a list of \(what)", page: page)
        return nil
    }

    /// A list of plain texts; one plain text counts as a list of one.
    func texts(_ node: YAMLNode, path: String, page: String) -> [YAMLNode] {
        if node.scalar != nil, !node.isEmpty { return [node] }
        guard let items = list(node, path: path, page: page, of: "plain texts") else { return [] }
        return items.filter { value($0, path: path, page: page, ScalarText.text) != nil }
    }

    /// Problems in the order of the places: file by file as they were read first, then by line and column.
    var sortedProblems: [FileProblem] {
        var files = OrderedTable<String, Int>()
        for problem in problems where files[problem.mark.file] == nil {
            files[problem.mark.file] = files.count
        }
        return problems.enumerated().sorted { a, b in
            let (x, y) = (a.element.mark, b.element.mark)
            return (files[x.file] ?? 0, x.line, x.column, a.offset)
                < (files[y.file] ?? 0, y.line, y.column, b.offset)
        }.map(\.element)
    }
}

/// A map read strictly: keys outside the list are problems with the nearest valid name.
struct MapReader {
    let reading: Reading
    let node: YAMLNode
    /// What the map is, for messages: `providers.deepgram`; empty for the whole file.
    let path: String
    /// Where the documentation explains it.
    let page: String
    let keys: [String]

    /// nil (and a problem) when `node` is no map.
    init?(_ reading: Reading, _ node: YAMLNode, path: String, keys: [String], page: String) {
        self.reading = reading
        self.node = node
        self.path = path
        self.page = page
        self.keys = keys
        guard let entries = node.map else {
            reading.report(
                node.mark, "\(path.isEmpty ? "the file" : path) holds \(node.kindName)",
                allowed: "a map with the keys \(keys.joined(separator: ", "))", page: page)
            return nil
        }
        for entry in entries where !keys.contains(entry.key) {
            reading.report(
                entry.mark,
                "unknown key \"\(entry.key)\"" + (path.isEmpty ? "" : " in \(path)")
                    + ScalarText.suggestion(entry.key, among: keys),
                allowed: keys.joined(separator: ", "), page: page)
        }
    }

    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The node of a key, or nil. A key of ours that is not in `keys` is our mistake.
    func node(_ key: String) -> YAMLNode? {
        precondition(keys.contains(key), "the key \(key) is not in the list of \(path)")
        return node[key]
    }

    /// The mark of a key itself, or of the map.
    func mark(_ key: String) -> YAMLMark {
        node.map?.first { $0.key == key }?.mark ?? node.mark
    }

    func value<Value>(_ key: String, _ parse: (String) throws(TextProblem) -> Value) -> Value? {
        node(key).flatMap { reading.value($0, path: name(key), page: page, parse) }
    }

    /// Like `value`, and a missing key is a problem.
    func required<Value>(
        _ key: String, _ what: String, _ parse: (String) throws(TextProblem) -> Value
    ) -> Value? {
        guard hasRequired(key, what) else { return nil }
        return value(key, parse)
    }

    func hasRequired(_ key: String, _ what: String) -> Bool {
        if node(key) != nil { return true }
        reading.report(
            node.mark, "\(path.isEmpty ? "the file" : path) has no \"\(key)\"", allowed: what,
            page: page)
        return false
    }

    func texts(_ key: String) -> [YAMLNode] {
        node(key).map { reading.texts($0, path: name(key), page: page) } ?? []
    }

    func map(_ key: String, keys: [String], page: String? = nil) -> MapReader? {
        node(key).flatMap {
            MapReader(reading, $0, path: name(key), keys: keys, page: page ?? self.page)
        }
    }
}
