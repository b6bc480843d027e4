import Testing
import UproarCore
import UproarProviders
import UproarRuntime
import UproarSimulation
import UproarWire

struct AnthropicTests {
    let utterance = TurnReference(call: 12, utterance: 4)

    func start(limit: Int? = nil) throws -> (EmulatorWorld, EmulatorListener) {
        let world = EmulatorWorld()
        var emulation = ProviderEmulation(
            .anthropic,
            speed: .languageModel(
                firstToken: .constant(.milliseconds(300)),
                tokenInterval: .constant(.milliseconds(10))))
        emulation.concurrencyLimit = limit
        let emulator = AnthropicEmulator(
            emulation, script: try OpenAIEmulatorTests.script(), context: world.context)
        return (world, try EmulatorListener(emulator, on: .loopback(0), context: world.context))
    }

    func post(
        _ stage: (world: EmulatorWorld, listener: EmulatorListener), _ body: JSONValue,
        key: String = "k", pieceSize: Int = .max
    ) throws -> HTTPPeer.Answer {
        let peer = HTTPPeer(stage.world, to: stage.listener.endpoint, pieceSize: pieceSize)
        peer.send("POST", "/v1/messages", headers: ["x-api-key": key], body: body.encoded())
        stage.world.run()
        return try #require(peer.answers.first)
    }

    func body(_ world: EmulatorWorld, stream: Bool, more: [JSONValue] = [], tools: Bool = false)
        -> JSONValue
    {
        let asked: JSONValue = [
            "role": "user",
            "content": [
                [
                    "type": "text",
                    "text": .string("\(world.words(utterance)), add buy milk to my list"),
                ]
            ],
        ]
        var members: [JSONValue.Member] = [
            .init("model", "claude-sonnet-4-6"), .init("max_tokens", 400),
            .init("stream", .bool(stream)), .init("system", "Be brief."),
            .init("messages", .array([asked] + more)),
        ]
        if tools {
            members.append(.init("tools", [["name": "add_task", "input_schema": .object([])]]))
        }
        return .object(members)
    }

    func events(_ answer: HTTPPeer.Answer) throws -> [JSONValue] {
        try answer.events.map { try JSONParser.parse($0) }
    }

    @Test(
        "Events come in the vendor's order, each under its name; the reply carries its reference",
        arguments: pieceSizes)
    func stream(pieceSize: Int) throws {
        let stage = try start()
        let answer = try post(stage, body(stage.0, stream: true), pieceSize: pieceSize)
        let events = try events(answer)
        let kinds = events.compactMap { $0["type"]?.text }
        #expect(kinds.prefix(3) == ["message_start", "content_block_start", "ping"])
        #expect(kinds.suffix(3) == ["content_block_stop", "message_delta", "message_stop"])
        let names = String(decoding: answer.body, as: UTF8.self).split(separator: "\n")
            .compactMap { $0.hasPrefix("event: ") ? String($0.dropFirst(7)) : nil }
        #expect(names == kinds)
        let text = events.compactMap { $0["delta"]?["text"]?.text }.joined()
        #expect(stage.0.context.references.plain(text) == "Done, buy milk is on your list.")
        #expect(
            stage.0.context.references.references(in: text.utf8).map(\.reference)
                == [utterance.with(reply: 1), utterance.with(reply: 1)])
        #expect(events[events.count - 2]["delta"]?["stop_reason"]?.text == "end_turn")
        #expect(stage.0.facts.kinds == [.modelRequested, .modelFirstContent, .modelFinished])
        #expect(answer.pieces.first == Instant(nanoseconds: 300_000_000))
    }

    @Test("A tool is called in pieces of JSON; its result in a user's message is answered")
    func tools() throws {
        let stage = try start()
        let events = try events(post(stage, body(stage.0, stream: true, tools: true)))
        #expect(events[1]["content_block"]?["name"]?.text == "add_task")
        let arguments = events.compactMap { $0["delta"]?["partial_json"]?.text }.joined()
        #expect(arguments == "{\"title\":\"buy milk\"}")
        let answer = try post(
            stage,
            body(
                stage.0, stream: false,
                more: [
                    [
                        "role": "assistant",
                        "content": [
                            [
                                "type": "tool_use", "id": "toolu_1", "name": "add_task",
                                "input": ["title": "buy milk"],
                            ]
                        ],
                    ],
                    [
                        "role": "user",
                        "content": [
                            ["type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"]
                        ],
                    ],
                ], tools: true))
        #expect(answer.json?["stop_reason"]?.text == "end_turn")
        #expect(answer.json?["content"]?[0]?["type"]?.text == "text")
        let second = stage.0.facts.of(.modelRequested)[1]
        #expect(second.detail == 1)
        #expect(second.turn == utterance.with(reply: 2))
    }

    @Test(
        "Errors have the vendor's shape",
        arguments: [
            ("{}", "k", 400, "invalid_request_error"), ("x", "k", 400, "invalid_request_error"),
            (
                "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[]}", "k", 400,
                "invalid_request_error"
            ),
            ("{}", "", 401, "authentication_error"),
        ])
    func errors(body: String, key: String, status: Int, type: String) throws {
        let stage = try start()
        let peer = HTTPPeer(stage.0, to: stage.1.endpoint)
        peer.send("POST", "/v1/messages", headers: ["x-api-key": key], body: Array(body.utf8))
        stage.0.run()
        let answer = peer.answers[0]
        #expect(answer.head.status == status)
        #expect(answer.json?["error"]?["type"]?.text == type)
        #expect(answer.json?["request_id"]?.text == answer.head.headers["request-id"])
    }

    @Test("max_tokens and stop sequences end an answer; one request too many is 429")
    func limits() throws {
        let stage = try start()
        var cut = body(stage.0, stream: false).members ?? []
        cut[1] = .init("max_tokens", 2)
        let short = try post(stage, .object(cut))
        #expect(short.json?["stop_reason"]?.text == "max_tokens")
        let stopped = try post(
            stage,
            .object(
                (body(stage.0, stream: false).members ?? []) + [
                    .init("stop_sequences", [" milk"])
                ]))
        let text = stopped.json?["content"]?[0]?["text"]?.text ?? ""
        #expect(text.hasSuffix("Done, buy"))
        let full = try start(limit: 0)
        let refused = try post(full, body(full.0, stream: true))
        #expect(refused.head.status == 429)
        #expect(refused.head.headers["retry-after"] == "1")
    }

    @Test("Replies after a failover from one vendor to another have numbers of their own")
    func sharedNumbers() throws {
        let stage = try start()
        let openai = OpenAIEmulator(
            script: try OpenAIEmulatorTests.script(), settings: .init(), context: stage.0.context)
        let listener = try EmulatorListener(
            openai, on: .loopback(0), context: stage.0.context)
        let peer = HTTPPeer(stage.0, to: listener.endpoint)
        let asked: JSONValue = [
            "model": "m",
            "messages": [["role": "user", "content": .string(stage.0.words(utterance))]],
        ]
        peer.send(
            "POST", "/v1/chat/completions", headers: ["Authorization": "Bearer k"],
            body: asked.encoded())
        stage.0.run(for: .milliseconds(1))
        _ = try post(stage, body(stage.0, stream: false))
        #expect(
            stage.0.facts.of(.modelRequested).map(\.turn) == [
                utterance.with(reply: 1), utterance.with(reply: 2),
            ])
    }
}
