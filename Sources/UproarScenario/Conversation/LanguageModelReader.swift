import UproarCore

/// Reads `language_model:` of a conversation file.
struct LanguageModelReader {
    let reading: Reading

    static let page = "docs/scenario.md#language-model"
    static let intentKeys = ["name", "match", "tool", "reply", "reply_after_tool"]
    /// Reference words leave with the first clause of a reply: longer ones cost every turn time to first audio.
    static let clauseLimit = 4

    init(_ reading: Reading) { self.reading = reading }

    func read(_ node: YAMLNode) -> LanguageModelScript? {
        guard
            let map = MapReader(
                reading, node, path: "language_model", keys: ["greeting", "intents", "fallback"],
                page: Self.page)
        else { return nil }
        let greeting = map.required("greeting", "what is said first", ScalarText.text)
        let fallback = self.replies(map, "fallback", captures: [])
        if fallback.isEmpty { _ = map.hasRequired("fallback", "what is said when no intent fits") }
        var intents: [LanguageModelScript.Intent] = []
        if let list = map.node("intents") {
            let path = map.name("intents")
            for (index, item)
                in (reading.list(list, path: path, page: Self.page, of: "intents")
                ?? []).enumerated()
            {
                guard let intent = intent(item, "\(path)[\(index)]") else { continue }
                if intents.contains(where: { $0.name == intent.name }) {
                    reading.report(
                        item.mark, "a second intent named \"\(intent.name)\"",
                        allowed: "each name once", page: Self.page)
                }
                intents.append(intent)
            }
        }
        guard let greeting, !fallback.isEmpty else { return nil }
        return LanguageModelScript(greeting: greeting, intents: intents, fallback: fallback)
    }

    private func intent(_ node: YAMLNode, _ path: String) -> LanguageModelScript.Intent? {
        guard let map = MapReader(reading, node, path: path, keys: Self.intentKeys, page: Self.page)
        else { return nil }
        let name = map.required("name", "a name that expectations use", ScalarText.text)
        var patterns: [UtterancePattern] = []
        if map.hasRequired("match", UtterancePattern.allowed) {
            for node in map.texts("match") {
                let pattern = reading.value(node, path: map.name("match"), page: Self.page) {
                    text throws(TextProblem) in try UtterancePattern(text)
                }
                if let pattern { patterns.append(pattern) }
            }
        }
        // A text may use a capture only if every pattern makes it.
        let captures = patterns.first.map { first in
            first.captureNames.filter { name in
                patterns.allSatisfy { $0.captureNames.contains(name) }
            }
        }
        var tool: LanguageModelScript.Tool?
        if let node = map.node("tool") { tool = self.tool(node, map.name("tool"), captures ?? []) }
        let replies = self.replies(map, "reply", captures: captures)
        let after = self.replies(map, "reply_after_tool", captures: captures)
        let needed = map.node("tool") == nil ? "reply" : "reply_after_tool"
        guard map.hasRequired(needed, "one sentence or two, or a list to choose from") else {
            return nil
        }
        guard let name, !patterns.isEmpty, !(tool == nil ? replies : after).isEmpty else {
            return nil
        }
        return LanguageModelScript.Intent(
            name: name, patterns: patterns, tool: tool, replies: replies, repliesAfterTool: after)
    }

    private func tool(_ node: YAMLNode, _ path: String, _ captures: [String])
        -> LanguageModelScript.Tool?
    {
        guard
            let map = MapReader(
                reading, node, path: path, keys: ["name", "arguments"], page: Self.page),
            let name = map.required("name", "the function's name", ScalarText.text)
        else { return nil }
        var arguments: [LanguageModelScript.Tool.Argument] = []
        if let list = map.node("arguments") {
            guard let entries = list.map else {
                reading.report(
                    list.mark, "\(path).arguments holds \(list.kindName)",
                    allowed: "argument names with their texts", page: Self.page)
                return nil
            }
            for entry in entries {
                let path = "\(path).arguments.\(entry.key)"
                guard
                    let text = reading.value(
                        entry.value, path: path, page: Self.page, ScalarText.text)
                else { continue }
                checkCaptures(entry.value, path, captures + [LanguageModelScript.picture])
                arguments.append(.init(entry.key, text))
            }
        }
        return .init(name: name, arguments: arguments)
    }

    /// `captures` nil: the patterns are wrong already, so nothing is said about captures.
    private func replies(_ map: MapReader, _ key: String, captures: [String]?) -> [String] {
        map.texts(key).compactMap { node in
            guard let text = node.scalar else { return nil }
            if let captures { checkCaptures(node, map.name(key), captures) }
            let words = Self.firstClauseWords(of: text)
            if words > Self.clauseLimit {
                reading.report(
                    node.mark, "\(map.name(key)): the first clause has \(words) words",
                    allowed:
                        "at most \(Self.clauseLimit) before the first , . ! or ?, such as \"Okay, …\"",
                    page: Self.page)
            }
            return text
        }
    }

    /// Words before the first mark that ends a clause; a capture counts as four, since it may hold many.
    static func firstClauseWords(of text: String) -> Int {
        let clause = text.prefix { !",.!?;:".contains($0) }
        return clause.split(separator: " ").reduce(0) { $0 + ($1.contains("{") ? 4 : 1) }
    }

    private func checkCaptures(_ node: YAMLNode, _ path: String, _ captures: [String]) {
        for name in LanguageModelScript.names(in: node.scalar ?? "") where !captures.contains(name)
        {
            reading.report(
                node.mark,
                "\(path) uses {\(name)}, which not every pattern captures"
                    + ScalarText.suggestion(name, among: captures),
                allowed: captures.isEmpty ? "no capture" : captures.joined(separator: ", "),
                page: Self.page)
        }
    }
}
