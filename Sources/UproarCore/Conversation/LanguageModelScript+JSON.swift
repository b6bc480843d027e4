/// The form in which the script travels to the emulator's process, and stands in `result.json`.
extension LanguageModelScript {
    package var json: JSONValue {
        [
            "greeting": .string(greeting),
            "intents": .array(intents.map(\.json)),
            "fallback": .array(fallback.map { .string($0) }),
        ]
    }

    /// nil when `json` is no script: a key is missing or holds something else.
    package init?(json: JSONValue) {
        guard let greeting = json["greeting"]?.text, let items = json["intents"]?.items,
            let fallback = json["fallback"]?.texts, !fallback.isEmpty
        else { return nil }
        var intents: [Intent] = []
        for item in items {
            guard let intent = Intent(json: item) else { return nil }
            intents.append(intent)
        }
        self.init(greeting: greeting, intents: intents, fallback: fallback)
    }
}

extension LanguageModelScript.Intent {
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("name", .string(name)),
            .init("match", .array(patterns.map { .string($0.text) })),
        ]
        if let tool {
            members.append(
                .init(
                    "tool",
                    [
                        "name": .string(tool.name),
                        "arguments": .object(
                            tool.arguments.map { JSONValue.Member($0.name, .string($0.text)) }),
                    ]))
        }
        members.append(.init("reply", .array(replies.map { .string($0) })))
        members.append(.init("reply_after_tool", .array(repliesAfterTool.map { .string($0) })))
        return .object(members)
    }

    package init?(json: JSONValue) {
        guard let name = json["name"]?.text, let match = json["match"]?.texts,
            let replies = json["reply"]?.texts, let after = json["reply_after_tool"]?.texts
        else { return nil }
        let patterns = match.compactMap { try? UtterancePattern($0) }
        guard patterns.count == match.count, !patterns.isEmpty else { return nil }
        var tool: LanguageModelScript.Tool?
        if let value = json["tool"] {
            guard let name = value["name"]?.text, let members = value["arguments"]?.members else {
                return nil
            }
            let arguments = members.compactMap { member in
                member.value.text.map { LanguageModelScript.Tool.Argument(member.key, $0) }
            }
            guard arguments.count == members.count else { return nil }
            tool = .init(name: name, arguments: arguments)
        }
        guard !(tool == nil ? replies : after).isEmpty else { return nil }
        self.init(
            name: name, patterns: patterns, tool: tool, replies: replies, repliesAfterTool: after)
    }
}

extension JSONValue {
    /// An array of strings, or nil.
    package var texts: [String]? {
        guard let items else { return nil }
        let texts = items.compactMap(\.text)
        return texts.count == items.count ? texts : nil
    }
}
