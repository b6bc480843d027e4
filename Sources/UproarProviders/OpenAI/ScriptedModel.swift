import UproarCore
import UproarRuntime

/// Thinks by a script: finds out which utterance a request is about and what to say to it. Values in, values out.
package struct ScriptedModel: Sendable {
    private let script: LanguageModelScript
    private let references: ReferenceText
    /// Without tagging, references in a prompt are words like any others and replies carry none.
    private let isTagging: Bool

    package init(script: LanguageModelScript, references: ReferenceText, isTagging: Bool = true) {
        self.script = script
        self.references = references
        self.isTagging = isTagging
    }

    /// What a request is about.
    package struct Prompt: Hashable, Sendable {
        /// The last utterance referred to in the user messages since the agent last spoke; nil when there is none.
        package var utterance: TurnReference?
        /// What was said in it, without references.
        package var text: String
        /// What the latest of their pictures shows; nil without one.
        package var picture: String?
        /// The request ends with the results of tools called for it.
        package var isAfterTool: Bool
        /// What the tools say of their work.
        package var toolResult = ToolResult.none
        /// The conversation has only begun: neither a user's nor an assistant's message.
        package var isOpening: Bool
        /// Estimated tokens, references left out.
        package var tokens: Int
    }

    /// The worst that the results of a request's tools say, as the detail of the fact that it was made.
    package enum ToolResult: UInt32, Hashable, Sendable {
        case none = 0
        case success = 1
        /// A tool could not do its work (`"code": "unavailable"`).
        case unavailable = 2
        /// A tool did its work and found that it cannot be done: `{"error": "there is no such task"}`.
        case refused = 3
    }

    /// Tool calls and their results belong to the utterance that caused them; every other assistant message closes the
    /// turns before it.
    package func prompt(of request: ChatCompletionRequest) -> Prompt {
        var texts: [String] = []
        var isAfterTool = false
        var picture: String?
        var result = ToolResult.none
        walk: for message in request.messages.reversed() {
            switch message.role {
            case .user:
                texts.append(message.text)
                picture = picture ?? message.pictures.last
            case .tool, .function:
                guard texts.isEmpty else { continue }
                isAfterTool = true
                let said = Self.result(message.text)
                if result != .unavailable, result != .refused || said == .unavailable {
                    result = said
                }
            case .assistant where message.callsTools || isAfterTool && texts.isEmpty: continue
            case .assistant: break walk
            case .system, .developer: continue
            }
        }
        let said = texts.reversed().joined(separator: " ")
        let bytes = Array(said.utf8)
        // A reply's own reference in a user message is the agent's voice heard back, not an utterance.
        let found =
            isTagging ? references.references(in: bytes).filter { $0.reference.reply == 0 } : []
        var text = said
        if let last = found.last,
            let first = found.first(where: { $0.reference == last.reference })
        {
            text = String(decoding: bytes[first.range.lowerBound...], as: UTF8.self)
        }
        let isOpening = !request.messages.contains { $0.role == .user || $0.role == .assistant }
        var prompt = Prompt(
            utterance: found.last?.reference, text: plain(text),
            picture: picture.flatMap { $0.isEmpty ? nil : $0 }, isAfterTool: isAfterTool,
            isOpening: isOpening, tokens: tokens(of: request))
        prompt.toolResult = result
        return prompt
    }

    private static func result(_ text: String) -> ToolResult {
        guard text.utf8.first == UInt8(ascii: "{"),
            let json = try? JSONParser.parse(Array(text.utf8))
        else { return .success }
        if json["code"]?.text == "unavailable" { return .unavailable }
        return json["error"] == nil ? .success : .refused
    }

    /// The first other call whose words the request holds: the agent knows what was said in it.
    package func otherCall(in request: ChatCompletionRequest, than call: UInt32) -> UInt32? {
        guard isTagging else { return nil }
        for message in request.messages where message.role == .user {
            let found = references.references(in: Array(message.text.utf8))
            if let other = found.first(where: { $0.reference.call != call }) {
                return other.reference.call
            }
        }
        return nil
    }

    /// So many utterances back is looked: what came before is older news.
    private static let heldUtterances: UInt32 = 4

    /// The replies to earlier utterances of the same call that the request holds as said by the agent, in the order of its messages. A
    /// reply carries its reference at its beginning and at its end; one found once is its beginning.
    package func held(in request: ChatCompletionRequest, of utterance: TurnReference) -> [(
        reply: TurnReference, part: HeldPart
    )] {
        guard isTagging else { return [] }
        var held = OrderedTable<TurnReference, HeldPart>()
        for message in request.messages.suffix(16)
        where message.role == .assistant && !message.callsTools {
            for found in references.references(in: Array(message.text.utf8)) {
                let reply = found.reference
                guard reply.reply > 0, reply.call == utterance.call,
                    reply.utterance < utterance.utterance,
                    reply.utterance + Self.heldUtterances >= utterance.utterance
                else { continue }
                let part: HeldPart = held[reply] == nil ? .beginning : [.beginning, .end]
                held[reply] = part
            }
        }
        return zip(held.keys, held.values).map { (reply: $0, part: $1) }
    }

    /// The tool calls of earlier utterances of the same call whose results the request holds, by the replies that they were.
    package func heldResults(in request: ChatCompletionRequest, of utterance: TurnReference)
        -> [TurnReference]
    {
        guard isTagging else { return [] }
        return request.messages.suffix(16).compactMap { message in
            guard message.role == .tool, let id = message.callID,
                let call = TurnReferenceText.reference(endOf: id), call.call == utterance.call,
                call.utterance < utterance.utterance,
                call.utterance + Self.heldUtterances >= utterance.utterance
            else { return nil }
            return call
        }
    }

    private func plain(_ text: String) -> String { isTagging ? references.plain(text) : text }

    /// 4 tokens of frame for each message and 3 for the answer's beginning, as the vendor counts
    /// (OpenAI cookbook, "How to count tokens with tiktoken").
    private func tokens(of request: ChatCompletionRequest) -> Int {
        request.messages.reduce(3 + TokenText.count(bytes: request.toolByteCount)) {
            $0 + 4 + TokenText.count(plain($1.text)) + TokenText.count(bytes: $1.toolByteCount)
                + $1.pictures.count * Self.pictureTokens(request.model)
        }
    }

    /// Of one picture in low detail (platform.openai.com/docs/guides/images-vision, "Calculating costs").
    private static func pictureTokens(_ model: String) -> Int {
        model.hasPrefix("gpt-4o-mini") ? 2833 : 85
    }

    /// An answer, cut into the pieces in which it is streamed.
    package struct Answer: Hashable, Sendable {
        package var kind: Kind
        /// The text, or the arguments' JSON. Never empty; `counts` goes with it.
        package var pieces: [String]
        /// Tokens of each piece, references left out.
        package var counts: [Int]
        package var isCutShort: Bool

        package enum Kind: Hashable, Sendable {
            case text
            case tool(String)
        }

        package var whole: String { pieces.joined() }
        package var tokens: Int { counts.reduce(0, +) }
        package var finish: ChatCompletionWriter.FinishReason {
            isCutShort ? .length : kind == .text ? .stop : .toolCalls
        }
    }

    /// - reply: the reference that a reply in text carries first and last; nil when the prompt has none.
    package func answer(
        to prompt: Prompt, request: ChatCompletionRequest, reply: TurnReference?
    ) -> Answer {
        let key = prompt.utterance.map { UInt64($0.rawValue) } ?? UInt64(prompt.tokens)
        var answer: LanguageModelScript.Answer =
            prompt.isOpening
            ? .reply(script.greeting, intent: nil)
            : script.answer(
                to: prompt.text, tools: request.tools, afterTool: prompt.isAfterTool,
                picture: prompt.picture, key: key)
        if request.requiresTool, case .reply = answer {
            answer = .tool(name: request.tools[0], arguments: .object([]), intent: 0)
        }
        // The script knows the tools of its conversation; what else theirs or another's insists on is made up.
        if case .tool(let name, let given, let intent) = answer,
            let schema = request.toolSchemas[name]
        {
            answer = .tool(
                name: name,
                arguments: JSONAnswer.completed(given, by: schema, saying: prompt.text),
                intent: intent)
        }
        var cut: Answer
        switch answer {
        case .reply(let text, _) where request.json != nil:
            cut = Self.pieces(of: JSONAnswer.text(echo(text, reply), as: request.json))
        case .reply(let text, _): cut = said(text, reply: reply)
        case .tool(let name, let arguments, _):
            let pieces = TokenText.pieces(of: arguments.text(pretty: false))
            cut = Answer(
                kind: .tool(name), pieces: pieces, counts: pieces.map { _ in 1 }, isCutShort: false)
        }
        if cut.kind == .text { cut.end(before: request.stops) }
        if let limit = request.tokenLimit, cut.tokens > limit { cut.cut(to: limit) }
        return cut
    }

    private func echo(_ text: String, _ reply: TurnReference?) -> String {
        guard isTagging, let reply else { return text }
        return references.echo(text, reply)
    }

    private static func pieces(of text: String) -> Answer {
        let pieces = TokenText.pieces(of: text)
        return Answer(
            kind: .text, pieces: pieces.isEmpty ? [text] : pieces,
            counts: pieces.isEmpty ? [0] : pieces.map { _ in 1 }, isCutShort: false)
    }

    /// Both words of the reference leave in the first piece, with the comma that sets them apart.
    private func said(_ text: String, reply: TurnReference?) -> Answer {
        guard isTagging, let reply else {
            return Self.pieces(of: text)
        }
        let echo = references.echo(text, reply)
        let head = echo.prefix(references.words(reply).count + 1)
        let rest = TokenText.pieces(of: String(echo.dropFirst(head.count)))
        // The reference at the end, and its comma, are as free as the one in front.
        let free = Set(tailPieces(of: rest, reply))
        return Answer(
            kind: .text, pieces: [String(head)] + rest,
            counts: [0] + rest.indices.map { free.contains($0) ? 0 : 1 }, isCutShort: false)
    }

    /// The indices of the pieces that make up `, lusab babad` before the last sign.
    private func tailPieces(of pieces: [String], _ reply: TurnReference) -> Range<Int> {
        let count = TokenText.count(", " + references.words(reply))
        let end = pieces.count - 1
        return end >= count ? end - count..<end : 0..<0
    }
}

extension ScriptedModel.Answer {
    /// Ends the text where the first of `stops` begins; the stop itself is not said.
    fileprivate mutating func end(before stops: [String]) {
        let text = whole
        let places = stops.compactMap { text.firstRange(of: $0)?.lowerBound }
        guard let place = places.min() else { return }
        var left = text[..<place].utf8.count
        var kept = 0
        while kept < pieces.count, pieces[kept].utf8.count <= left {
            left -= pieces[kept].utf8.count
            kept += 1
        }
        if left > 0, kept < pieces.count {
            pieces[kept] = String(decoding: pieces[kept].utf8.prefix(left), as: UTF8.self)
            kept += 1
        }
        pieces.removeLast(pieces.count - kept)
        counts.removeLast(counts.count - kept)
        if pieces.isEmpty {
            pieces = [""]
            counts = [0]
        }
    }

    /// Keeps as many pieces as make `limit` tokens.
    fileprivate mutating func cut(to limit: Int) {
        var kept = 0
        var tokens = 0
        while kept < pieces.count, tokens + counts[kept] <= limit {
            tokens += counts[kept]
            kept += 1
        }
        pieces.removeLast(pieces.count - kept)
        counts.removeLast(counts.count - kept)
        if pieces.isEmpty {
            pieces = [""]
            counts = [0]
        }
        isCutShort = true
    }
}

/// Numbers the replies that are started for one utterance: 1, 2, … (design: speculative, retried and duplicate ones differ).
///
/// Keeps the latest `limit` utterances, so memory is constant; a reply to one longer gone is number 1 again. The 64th and
/// later replies to one utterance share number 63.
package struct ReplyNumbers: Sendable {
    private var counts: [UInt32: UInt8] = [:]
    private var order: [UInt32] = []
    private var oldest = 0
    private let limit: Int

    package init(limit: Int = 1 << 16) {
        precondition(limit > 0)
        self.limit = limit
    }

    package mutating func next(for utterance: TurnReference) -> TurnReference {
        let key = utterance.asUtterance.rawValue
        if let count = counts[key] {
            let number = min(count + 1, UInt8(TurnReference.replyLimit - 1))
            counts[key] = number
            return utterance.with(reply: UInt32(number))
        }
        if order.count < limit {
            order.append(key)
        } else {
            counts[order[oldest]] = nil
            order[oldest] = key
            oldest = (oldest + 1) % limit
        }
        counts[key] = 1
        return utterance.with(reply: 1)
    }
}
