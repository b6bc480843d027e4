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
