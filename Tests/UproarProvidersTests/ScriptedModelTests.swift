import Testing
import UproarCore

@testable import UproarProviders

struct ScriptedModelTests {
    let references = ReferenceText(key: ReferenceKey(Seed(7)), callLimit: 500)
    let script: LanguageModelScript
    let model: ScriptedModel
    let first = TurnReference(call: 3, utterance: 1)
    let second = TurnReference(call: 3, utterance: 2)

    init() throws {
        script = LanguageModelScript(
            greeting: "Hello, I keep your tasks.",
            intents: [
                .init(
                    name: "add", patterns: [try UtterancePattern("add {title} to my list")],
                    tool: .init(name: "add_task", arguments: [.init("title", "{title}")]),
                    repliesAfterTool: ["Done, {title} is on your list."]),
                .init(
                    name: "thanks", patterns: [try UtterancePattern("thank you")],
                    replies: ["You are most welcome to it."]),
            ], fallback: ["Sorry, say that again?"])
        model = ScriptedModel(script: script, references: references)
    }

    func request(
        _ messages: [ChatCompletionRequest.Message], tools: [String] = [], limit: Int? = nil
    ) -> ChatCompletionRequest {
        ChatCompletionRequest(
            model: "gpt-4.1", messages: messages, isStreaming: true, includesUsage: true,
            tools: tools, requiresTool: false, tokenLimit: limit, toolByteCount: 0)
    }

    func user(_ reference: TurnReference, _ text: String) -> ChatCompletionRequest.Message {
        .init(.user, "\(references.words(reference)), \(text)")
    }

    @Test("The last reference since the agent last spoke counts, and only what was said after it")
    func lastReference() {
        let prompt = model.prompt(
            of: request([
                .init(.system, "You keep tasks."), user(first, "thank you"),
                .init(.assistant, "You are welcome."), user(first, "never mind"),
                user(second, "add buy milk"), .init(.user, "to my list"),
            ]))
        #expect(prompt.utterance == second)
        #expect(prompt.text == "add buy milk to my list")
        #expect(!prompt.isAfterTool)
        #expect(!prompt.isOpening)
    }

    @Test("References before the agent's last words are of the past")
    func answered() {
        let prompt = model.prompt(
            of: request([user(first, "thank you"), .init(.assistant, "Yes."), .init(.user, "hm")]))
        #expect(prompt.utterance == nil)
        #expect(prompt.text == "hm")
    }

    @Test(
        "After tool calls the same utterance counts, even when the agent said something meanwhile")
    func afterTool() {
        let asked = user(second, "Add buy milk to my list.")
        let calls = ChatCompletionRequest.Message(.assistant, "", callsTools: true)
        let result = ChatCompletionRequest.Message(.tool, "{\"ok\":true}")
        for messages in [
            [asked, calls, result],
            [asked, .init(.assistant, "One moment."), calls, result],
            [
                user(first, "thank you"), .init(.assistant, "Sure."), asked, calls, result, calls,
                result,
            ],
        ] {
            let prompt = model.prompt(of: request(messages))
            #expect(prompt.utterance == second)
            #expect(prompt.isAfterTool)
            let answer = model.answer(
                to: prompt, request: request(messages, tools: ["add_task"]),
                reply: second.with(reply: 2))
            #expect(references.plain(answer.whole) == "Done, buy milk is on your list.")
        }
    }

    @Test(
        "The worst of the tools' results is what a request follows",
        arguments: [
            (["{\"created\":\"milk\"}"], ScriptedModel.ToolResult.success),
            (["no JSON"], .success),
            (["{\"error\":\"there is no such task\"}"], .refused),
            (["{\"error\":\"down\",\"code\":\"unavailable\"}"], .unavailable),
            (["{\"error\":\"no\"}", "{\"tasks\":[]}"], .refused),
            (["{\"code\":\"unavailable\"}", "{\"error\":\"no\"}"], .unavailable),
            (["{\"error\":\"no\"}", "{\"code\":\"unavailable\"}"], .unavailable),
        ])
    func toolResults(_ results: [String], _ worst: ScriptedModel.ToolResult) {
        let messages =
            [user(first, "add eggs to my list"), .init(.assistant, "", callsTools: true)]
            + results.map { .init(.tool, $0) }
        #expect(model.prompt(of: request(messages)).toolResult == worst)
    }

    @Test("A newer utterance during a tool call is what the model answers")
    func interruptedTool() {
        let prompt = model.prompt(
            of: request([
                user(first, "add eggs to my list"), .init(.assistant, "", callsTools: true),
                .init(.tool, "{}"), user(second, "thank you"),
            ]))
        #expect(prompt.utterance == second)
        #expect(!prompt.isAfterTool)
    }

    @Test("A tool is called only when the request declares it")
    func toolNeedsDeclaration() {
        let messages = [user(first, "please add Buy Milk to my list")]
        let prompt = model.prompt(of: request(messages))
        let called = model.answer(
            to: prompt, request: request(messages, tools: ["add_task"]), reply: first.with(reply: 1)
        )
        #expect(called.kind == .tool("add_task"))
        #expect(called.whole == "{\"title\":\"Buy Milk\"}")
        #expect(called.finish == .toolCalls)
        let spoken = model.answer(
            to: prompt, request: request(messages, tools: ["other"]), reply: first.with(reply: 1))
        #expect(spoken.kind == .text)
    }

    @Test("A tool that must be called is called, whatever the script says")
    func requiredTool() {
        var asked = request([user(first, "thank you")], tools: ["look_up"])
        asked.requiresTool = true
        let answer = model.answer(to: model.prompt(of: asked), request: asked, reply: nil)
        #expect(answer.kind == .tool("look_up"))
        #expect(answer.whole == "{}")
    }

    @Test("What a tool insists on is filled in by its schema")
    func requiredArguments() throws {
        var asked = request([user(first, "thank you")], tools: ["look_up"])
        asked.requiresTool = true
        asked.toolSchemas["look_up"] = try JSONParser.parse(
            Array(
                #"""
                {"type": "object", "required": ["query", "day", "limit", "kind", "where", "tags", "note"],
                 "properties": {
                   "query": {"type": "string"}, "day": {"type": "string", "format": "date"},
                   "limit": {"type": "integer", "exclusiveMinimum": 0}, "kind": {"$ref": "#/$defs/Kind"},
                   "where": {"allOf": [{"$ref": "#/$defs/Place"}]},
                   "tags": {"type": "array", "minItems": 2, "items": {"type": "string", "minLength": 3}},
                   "note": {"anyOf": [{"type": "string", "maxLength": 4}, {"type": "null"}]},
                   "optional": {"type": "string"}},
                 "$defs": {
                   "Kind": {"enum": ["open", "done"], "type": "string"},
                   "Place": {"type": "object", "properties": {"inner": {"$ref": "#/$defs/Place"}, "floor": {"type": "number", "minimum": 1.5}}}}}
                """#.utf8))
        let answer = model.answer(to: model.prompt(of: asked), request: asked, reply: nil)
        let made = try JSONParser.parse(Array(answer.whole.utf8))
        #expect(made["query"]?.text == "thank you")
        #expect(made["day"]?.text == "2026-01-01")
        #expect(made["limit"]?.int == 1)
        #expect(made["kind"]?.text == "open")
        #expect(made["where"]?["floor"]?.double == 1.5)
        // A schema that holds itself ends somewhere.
        #expect(made["where"]?["inner"]?["inner"] != nil)
        #expect(made["tags"]?.items?.allSatisfy { ($0.text ?? "").count >= 3 } == true)
        #expect(made["tags"]?.items?.count == 2)
        #expect(made["note"] == .string(""))
        #expect(made["optional"] == nil)
    }

    @Test("The script's own arguments stay as they are; only what is missing is added")
    func completedArguments() throws {
        let schema = try JSONParser.parse(
            Array(
                #"{"required": ["title", "urgent"], "properties": {"title": {"type": "string"}, "urgent": {"type": "boolean"}}}"#
                    .utf8))
        let made = JSONAnswer.completed(["title": "milk"], by: schema, saying: "words")
        #expect(made == ["title": "milk", "urgent": false])
    }

    @Test("The reference's words leave in the first piece and cost nothing")
    func referencePieces() {
        let messages = [user(first, "thank you")]
        let reply = first.with(reply: 1)
        let prompt = model.prompt(of: request(messages))
        let answer = model.answer(to: prompt, request: request(messages), reply: reply)
        #expect(references.references(in: answer.pieces[0].utf8).map(\.reference) == [reply])
        #expect(answer.pieces[0].hasSuffix(","))
        #expect(
            references.references(in: answer.whole.utf8).map(\.reference) == [reply, reply])
        #expect(answer.tokens == TokenText.count(references.plain(answer.whole)))
        #expect(prompt.tokens == 3 + 4 + TokenText.count("thank you"))
    }

    @Test("Unknown prompts get the fallback, an empty conversation the greeting")
    func sane() {
        let unknown = request([user(first, "what is the weather")])
        let answer = model.answer(
            to: model.prompt(of: unknown), request: unknown, reply: first.with(reply: 1))
        #expect(references.plain(answer.whole) == "Sorry, say that again?")
        let opening = request([.init(.system, "You keep tasks.")])
        let greeting = model.answer(to: model.prompt(of: opening), request: opening, reply: nil)
        #expect(greeting.whole == "Hello, I keep your tasks.")
    }

    @Test("A token limit cuts the answer and says so")
    func limit() {
        let asked = request([.init(.user, "thank you")], limit: 3)
        let answer = model.answer(to: model.prompt(of: asked), request: asked, reply: nil)
        #expect(answer.whole == "You are most")
        #expect(answer.finish == .length)
    }

    @Test("With tagging off nothing is echoed")
    func taggingOff() {
        let model = ScriptedModel(script: script, references: references, isTagging: false)
        let asked = request([user(first, "thank you")])
        let prompt = model.prompt(of: asked)
        #expect(prompt.utterance == nil)
        #expect(
            model.answer(to: prompt, request: asked, reply: nil).whole
                == "You are most welcome to it.")
    }

    @Test("Replies of one utterance are numbered from 1, and old utterances are forgotten")
    func numbers() {
        var numbers = ReplyNumbers(limit: 2)
        #expect(numbers.next(for: first).reply == 1)
        #expect(numbers.next(for: first).reply == 2)
        #expect(numbers.next(for: second).reply == 1)
        #expect(numbers.next(for: first).reply == 3)
        #expect(numbers.next(for: TurnReference(call: 9, utterance: 1)).reply == 1)
        #expect(numbers.next(for: second).reply == 2)
        #expect(numbers.next(for: first).reply == 1)
        for _ in 0..<70 { _ = numbers.next(for: first) }
        #expect(numbers.next(for: first).reply == 63)
    }
}
