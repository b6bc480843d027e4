/// What the language-model emulator says: intents that it recognises in an utterance, the tools they call, the replies.
///
/// It travels from the conversation file to the emulator in the child's configuration (see its JSON form). The emulator hands
/// in the utterance *without* turn references and puts the references around the reply itself.
package struct LanguageModelScript: Hashable, Sendable {
    /// What the model says when no user message stands in the request.
    package var greeting: String
    /// In order: the first intent with a pattern that fits wins.
    package var intents: [Intent]
    /// For an utterance that fits no intent. Never empty.
    package var fallback: [String]

    package init(greeting: String, intents: [Intent], fallback: [String]) {
        precondition(!fallback.isEmpty, "a script needs a fallback reply")
        self.greeting = greeting
        self.intents = intents
        self.fallback = fallback
    }

    package struct Intent: Hashable, Sendable {
        package var name: String
        /// Never empty; each has every capture that the texts below name.
        package var patterns: [UtterancePattern]
        package var tool: Tool?
        /// What is said at once when no tool is called. Texts may hold `{capture}`.
        package var replies: [String]
        /// What is said once the tool's result is in the request.
        package var repliesAfterTool: [String]

        package init(
            name: String, patterns: [UtterancePattern], tool: Tool? = nil, replies: [String] = [],
            repliesAfterTool: [String] = []
        ) {
            precondition(!patterns.isEmpty && !(tool == nil ? replies : repliesAfterTool).isEmpty)
            self.name = name
            self.patterns = patterns
            self.tool = tool
            self.replies = replies
            self.repliesAfterTool = repliesAfterTool
        }

        /// It is about a picture that the caller shows.
        package var needsPicture: Bool {
            tool?.arguments.contains {
                LanguageModelScript.names(in: $0.text).contains(LanguageModelScript.picture)
            } ?? false
        }
    }

    /// The capture that a picture fills.
    package static let picture = "picture"

    /// A call of a function the agent offers. Called only when the request lists a tool of this name.
    package struct Tool: Hashable, Sendable {
        package var name: String
        /// Argument names with their values; texts may hold `{capture}`.
        package var arguments: [Argument]

        package struct Argument: Hashable, Sendable {
            package var name: String
            package var text: String
            package init(_ name: String, _ text: String) {
                self.name = name
                self.text = text
            }
        }

        package init(name: String, arguments: [Argument] = []) {
            self.name = name
            self.arguments = arguments
        }
    }

    package enum Answer: Hashable, Sendable {
        /// `intent` is the index in `intents`; nil when the fallback spoke.
        case reply(String, intent: Int?)
        case tool(name: String, arguments: JSONValue, intent: Int)
    }

    /// The intent of an utterance (its index) and what its captures hold.
    package struct Recognised: Hashable, Sendable {
        package var intent: Int
        package var captures: [UtterancePattern.Capture]
    }

    /// The first intent with a pattern that fits, or nil.
    package func recognise(_ utterance: String) -> Recognised? {
        let words = UtterancePattern.words(of: utterance)
        for (index, intent) in intents.enumerated() {
            for pattern in intent.patterns {
                if let captures = pattern.match(words) {
                    return Recognised(intent: index, captures: captures)
                }
            }
        }
        return nil
    }

    /// What the model answers to `utterance`.
    ///
    /// - `tools`: names of the functions the request offers. An intent whose tool is not among them replies as if it were done.
    /// - `afterTool`: the request ends with the result of a tool call for this utterance.
    /// - `picture`: what a picture shows that came with the utterance: `{picture}` in the arguments of a tool. An intent that needs one
    ///   and has none is answered with the fallback.
    /// - `key`: chooses among several replies; the same key (of the utterance) gives the same text, so a speculative request
    ///   and its repetition say the same.
    package func answer(
        to utterance: String, tools: [String] = [], afterTool: Bool = false,
        picture: String? = nil, key: UInt64 = 0
    ) -> Answer {
        guard var found = recognise(utterance) else {
            return .reply(Self.choice(of: fallback, key), intent: nil)
        }
        let intent = intents[found.intent]
        if intent.needsPicture, !afterTool {
            guard let picture else { return .reply(Self.choice(of: fallback, key), intent: nil) }
            found.captures.append(.init(Self.picture, picture))
        }
        if let tool = intent.tool, !afterTool, tools.contains(tool.name) {
            let arguments = tool.arguments.map {
                JSONValue.Member($0.name, .string(Self.fill($0.text, found.captures)))
            }
            return .tool(name: tool.name, arguments: .object(arguments), intent: found.intent)
        }
        let texts = intent.tool == nil ? intent.replies : intent.repliesAfterTool
        return .reply(Self.fill(Self.choice(of: texts, key), found.captures), intent: found.intent)
    }

    /// Every text this script can say to these utterances (greeting and fallback included), in a fixed order and each once:
    /// what the text-to-speech emulator renders before the first call.
    package func everyReply(to utterances: [String]) -> [String] {
        var texts = OrderedTable<String, Bool>()
        texts[greeting] = true
        for text in fallback { texts[text] = true }
        for utterance in utterances {
            guard let found = recognise(utterance) else { continue }
            let intent = intents[found.intent]
            for text in intent.tool == nil ? intent.replies : intent.repliesAfterTool {
                texts[Self.fill(text, found.captures)] = true
            }
        }
        return texts.keys
    }

    private static func choice(of texts: [String], _ key: UInt64) -> String {
        texts[Int(key % UInt64(texts.count))]
    }

    /// `text` with each `{name}` replaced by what the capture holds; an unknown name stays as it is.
    package static func fill(_ text: String, _ captures: [UtterancePattern.Capture]) -> String {
        guard text.utf8.contains(UInt8(ascii: "{")), !captures.isEmpty else { return text }
        var result = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            result += rest[..<open]
            let inside = rest[rest.index(after: open)...]
            guard let close = inside.firstIndex(of: "}") else {
                rest = rest[open...]
                break
            }
            let name = inside[..<close]
            result += captures.last { $0.name == name }?.text ?? "{\(name)}"
            rest = inside[inside.index(after: close)...]
        }
        return result + rest
    }

    /// The names in braces of a text, in order.
    package static func names(in text: String) -> [String] {
        var found: [String] = []
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            found.append(String(rest[rest.index(after: open)..<close]))
            rest = rest[rest.index(after: close)...]
        }
        return found
    }
}
