import Testing
import UproarCore
import UproarProviders
import UproarRuntime
import UproarWire

struct OpenAIEmulatorTests {
    let utterance = TurnReference(call: 12, utterance: 4)
    let auth: HTTPHeaders = ["Authorization": "Bearer sk-test", "Content-Type": "application/json"]

    static func script() throws -> LanguageModelScript {
        LanguageModelScript(
            greeting: "Hello, I keep your tasks.",
            intents: [
                .init(
                    name: "add", patterns: [try UtterancePattern("add {title} to my list")],
                    tool: .init(name: "add_task", arguments: [.init("title", "{title}")]),
                    repliesAfterTool: ["Done, {title} is on your list."])
            ], fallback: ["Sorry, say that again?"])
    }

    func start(
        _ world: EmulatorWorld, settings: OpenAIEmulator.Settings? = nil
    ) throws -> EmulatorListener {
        let settings =
            settings
            ?? .init(
                firstToken: .constant(.milliseconds(200)),
                tokenInterval: .constant(.milliseconds(10)))
        let emulator = OpenAIEmulator(
            script: try Self.script(), settings: settings, context: world.context)
        return try EmulatorListener(emulator, on: .loopback(0), context: world.context)
    }

    func body(
        _ messages: JSONValue, tools: [String] = [], stream: Bool = true
    ) -> [UInt8] {
        var members: [JSONValue.Member] = [
            .init("model", "gpt-4.1"), .init("stream", .bool(stream)), .init("messages", messages),
            .init("stream_options", ["include_usage": true]),
        ]
        if !tools.isEmpty {
            members.append(
                .init(
                    "tools",
                    .array(
                        tools.map {
                            ["type": "function", "function": ["name": .string($0)]]
                        })))
        }
        return JSONValue.object(members).encoded()
    }

    func user(_ world: EmulatorWorld, _ text: String) -> JSONValue {
        ["role": "user", "content": .string("\(world.words(utterance)), \(text)")]
    }

    @Test(
        "A stream comes as the vendor sends it: role, content, finish, usage, [DONE], and the body ends"
    )
    func stream() throws {
        let world = EmulatorWorld()
        let listener = try start(world)
        let peer = HTTPPeer(world, to: listener.endpoint)
        peer.send(
            "POST", "/v1/chat/completions", headers: auth,
            body: body([user(world, "Add buy milk to my list.")]))
        world.run()
        let answer = try #require(peer.answers.first)
        #expect(answer.isWhole)
        #expect(answer.head.status == 200)
        #expect(answer.head.headers["Content-Type"] == "text/event-stream; charset=utf-8")
        #expect(answer.head.headers["x-request-id"]?.hasPrefix("req_") == true)
        #expect(answer.events.last == "[DONE]")
        let chunks = try answer.events.dropLast().map { try JSONParser.parse($0) }
        #expect(chunks[0]["choices"]?[0]?["delta"]?["role"]?.text == "assistant")
        let text = chunks.compactMap { $0["choices"]?[0]?["delta"]?["content"]?.text }.joined()
        let reply = utterance.with(reply: 1)
        #expect(world.context.references.plain(text) == "Done, buy milk is on your list.")
        #expect(
            world.context.references.references(in: text.utf8).map(\.reference) == [reply, reply])
        #expect(chunks[chunks.count - 2]["choices"]?[0]?["finish_reason"]?.text == "stop")
        #expect(chunks.dropLast().allSatisfy { $0["usage"]?.isNull == true })
        let usage = chunks[chunks.count - 1]["usage"]
        #expect(usage?["completion_tokens"]?.int == 9)
        #expect(chunks.allSatisfy { $0["id"] == chunks[0]["id"] })

        #expect(world.facts.kinds == [.modelRequested, .modelFirstContent, .modelFinished])
        #expect(world.facts.all.allSatisfy { $0.turn == reply && $0.call == 12 })
        #expect(world.facts.all.map(\.at)[..<2] == [0, 200_000_000])
        // Nine pieces after the first, ten milliseconds each; the last reference's own pieces take their time as well.
        #expect(answer.pieces.last == Instant(nanoseconds: world.facts.all[2].at))
        #expect(world.context[.openai].usage.completionTokens == 9)
    }

    @Test(
        "Tools are called as the vendor streams it; the reply to their results has the next number")
    func tools() throws {
        let world = EmulatorWorld()
        let listener = try start(world)
        let peer = HTTPPeer(world, to: listener.endpoint)
        let asked = user(world, "Add buy milk to my list.")
        peer.send(
            "POST", "/v1/chat/completions", headers: auth, body: body([asked], tools: ["add_task"]))
        world.run()
        let chunks = try peer.answers[0].events.dropLast().map { try JSONParser.parse($0) }
        let calls = chunks.compactMap { $0["choices"]?[0]?["delta"]?["tool_calls"]?[0] }
        #expect(calls[0]["function"]?["name"]?.text == "add_task")
        #expect(calls[0]["id"]?.text?.hasPrefix("call_") == true)
        let arguments = calls.compactMap { $0["function"]?["arguments"]?.text }.joined()
        #expect(arguments == "{\"title\":\"buy milk\"}")
        let finishes = chunks.compactMap { $0["choices"]?[0]?["finish_reason"]?.text }
        #expect(finishes == ["tool_calls"])
        #expect(world.facts.kinds == [.modelRequested, .modelToolCalled, .modelFinished])

        peer.send(
            "POST", "/v1/chat/completions", headers: auth,
            body: body([
                asked,
                [
                    "role": "assistant", "content": nil,
                    "tool_calls": [
                        [
                            "id": "call_1", "type": "function",
                            "function": ["name": "add_task", "arguments": .string(arguments)],
                        ]
                    ],
                ],
                ["role": "tool", "tool_call_id": "call_1", "content": "{\"ok\":true}"],
            ]))
        world.run()
        let second = world.facts.of(.modelRequested)[1]
        #expect(second.detail == 1)
        #expect(second.turn == utterance.with(reply: 2))
        let text = try peer.answers[1].events.dropLast().map { try JSONParser.parse($0) }
            .compactMap { $0["choices"]?[0]?["delta"]?["content"]?.text }.joined()
        #expect(
            world.context.references.references(in: text.utf8).first?.reference
                == utterance.with(reply: 2))
    }

    @Test("Without stream the answer comes whole, after the time its tokens take")
    func whole() throws {
        let world = EmulatorWorld()
        let listener = try start(world)
        let peer = HTTPPeer(world, to: listener.endpoint)
        peer.send(
            "POST", "/v1/chat/completions", headers: auth,
            body: body([user(world, "Add eggs to my list")], stream: false))
        world.run()
        let json = try #require(peer.answers[0].json)
        #expect(json["object"]?.text == "chat.completion")
        let text = json["choices"]?[0]?["message"]?["content"]?.text ?? ""
        #expect(world.context.references.plain(text) == "Done, eggs is on your list.")
        #expect(peer.answers[0].pieces[0] > Instant(nanoseconds: 290_000_000))
    }

    @Test("A client that goes away cancels its answer; what was sent is counted")
    func cancel() throws {
        let world = EmulatorWorld()
        let listener = try start(world)
        let peer = HTTPPeer(world, to: listener.endpoint)
        peer.send(
            "POST", "/v1/chat/completions", headers: auth,
            body: body([user(world, "Add buy milk to my list.")]))
        world.run(for: .milliseconds(235))
        peer.hangUp()
        world.run()
        #expect(world.facts.kinds == [.modelRequested, .modelFirstContent, .modelCancelled])
        #expect(world.facts.all[2].value & 0xffff_ffff == 3)
        #expect(world.context[.openai].cancelled == 1)
        #expect(world.context[.openai].active == 0)
    }

    @Test(
        "Errors have the vendor's shape",
        arguments: [
            ("POST", "/v1/chat/completions", "Bearer ", "{}", 401, "invalid_request_error"),
            ("POST", "/v1/chat/completions", "Bearer x", "{}", 400, "invalid_request_error"),
            ("POST", "/v1/chat/completions", "Bearer x", "nonsense", 400, "invalid_request_error"),
            (
                "POST", "/v1/chat/completions", "Bearer x", "{\"model\":\"m\",\"messages\":[]}",
                400,
                "invalid_request_error"
            ),
            (
                "POST", "/v1/chat/completions", "Bearer x",
                "{\"model\":\"m\",\"messages\":[{\"role\":\"king\",\"content\":\"\"}]}", 400,
                "invalid_request_error"
            ),
            ("GET", "/v1/chat/completions", "Bearer x", "", 405, "invalid_request_error"),
            ("GET", "/favicon.ico", "", "", 404, "invalid_request_error"),
        ])
    func errors(
        method: String, path: String, key: String, body: String, status: Int, type: String
    ) throws {
        let world = EmulatorWorld()
        let listener = try start(world)
        let peer = HTTPPeer(world, to: listener.endpoint)
        peer.send(method, path, headers: ["Authorization": key], body: Array(body.utf8))
        world.run()
        #expect(peer.answers[0].head.status == status)
        #expect(peer.answers[0].json?["error"]?["type"]?.text == type)
        #expect(world.facts.of(.providerRefused).map(\.detail) == [UInt32(status)])
    }

    @Test("Overload and faults on purpose: 429 with its headers, 503, a reset, silence")
    func refusals() throws {
        let world = EmulatorWorld()
        let limited = try start(
            world,
            settings: .init(firstToken: .constant(.seconds(1)), concurrencyLimit: 1))
        let first = HTTPPeer(world, to: limited.endpoint)
        let second = HTTPPeer(world, to: limited.endpoint)
        let asked = body([["role": "user", "content": "hello"]])
        first.send("POST", "/v1/chat/completions", headers: auth, body: asked)
        world.run(for: .milliseconds(100))
        second.send("POST", "/v1/chat/completions", headers: auth, body: asked)
        world.run()
        #expect(first.answers[0].head.status == 200)
        #expect(second.answers[0].head.status == 429)
        #expect(second.answers[0].head.headers["retry-after"] == "1")
        #expect(second.answers[0].json?["error"]?["code"]?.text == "rate_limit_exceeded")

        for (verdict, status) in [
            (EmulatorVerdict.refuse(status: 503, retryAfter: .seconds(2)), 503 as Int?),
            (.reset, nil), (.mute, nil),
        ] {
            let world = EmulatorWorld()
            let listener = try start(world)
            world.context.interference = FixedVerdict(verdict)
            let peer = HTTPPeer(world, to: listener.endpoint)
            peer.send("POST", "/v1/chat/completions", headers: auth, body: asked)
            world.run()
            #expect(peer.answers.first?.head.status == status)
            #expect((peer.closeReason != nil) == (verdict == .reset))
            if status != nil { #expect(peer.answers[0].head.headers["retry-after-ms"] == "2000") }
        }
    }

    @Test("The same turn meets the same fate, whatever came before it")
    func keyedFate() throws {
        func firstContent(after others: Int) throws -> Int64 {
            let world = EmulatorWorld()
            let listener = try start(world, settings: .init())
            let peer = HTTPPeer(world, to: listener.endpoint)
            for _ in 0..<others {
                peer.send(
                    "POST", "/v1/chat/completions", headers: auth,
                    body: body([["role": "user", "content": "hello"]]))
            }
            world.run(for: .seconds(20))
            let before = world.context.now
            peer.send(
                "POST", "/v1/chat/completions", headers: auth,
                body: body([user(world, "Add eggs to my list")]))
            world.run()
            let fact = try #require(world.facts.of(.modelFirstContent).last)
            return fact.at - before.nanoseconds
        }
        let alone = try firstContent(after: 0)
        #expect(alone > 0)
        #expect(try firstContent(after: 3) == alone)
    }
}
