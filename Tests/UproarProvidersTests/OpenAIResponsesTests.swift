import Testing
import UproarCore
import UproarProviders
import UproarRuntime
import UproarWire

/// `/v1/responses`: over HTTP, streamed and whole, and on a WebSocket.
struct OpenAIResponsesTests {
    let utterance = TurnReference(call: 12, utterance: 4)
    let auth: HTTPHeaders = ["Authorization": "Bearer sk-test"]

    func start(limit: Int? = nil) throws -> (EmulatorWorld, EmulatorListener) {
        let world = EmulatorWorld()
        let emulator = OpenAIEmulator(
            script: try OpenAIEmulatorTests.script(),
            settings: .init(
                firstToken: .constant(.milliseconds(200)),
                tokenInterval: .constant(.milliseconds(10)), concurrencyLimit: limit),
            context: world.context)
        return (world, try EmulatorListener(emulator, on: .loopback(0), context: world.context))
    }

    static let tool: JSONValue = ["type": "function", "name": "add_task", "parameters": [:]]

    func body(_ world: EmulatorWorld, _ text: String, _ more: [JSONValue.Member] = []) -> JSONValue
    {
        .object(
            [
                .init("model", "gpt-4.1"),
                .init(
                    "input",
                    [["role": "user", "content": .string("\(world.words(utterance)), \(text)")]]),
            ] + more)
    }

    @Test(
        "A stream's events come in the vendor's order, numbered from 0, each named before its data")
    func stream() throws {
        let (world, listener) = try start()
        let peer = HTTPPeer(world, to: listener.endpoint, pieceSize: 700)
        peer.send(
            "POST", "/v1/responses", headers: auth,
            body: body(world, "add eggs to my list", [.init("stream", true)]).encoded())
        world.run()
        let answer = try #require(peer.answers.first)
        #expect(answer.isWhole && answer.head.status == 200)
        let events = try answer.events.map { try JSONParser.parse($0) }
        var kinds = events.map { $0["type"]?.text ?? "" }
        kinds.removeAll { $0 == "response.output_text.delta" }
        #expect(
            kinds == [
                "response.created", "response.in_progress", "response.output_item.added",
                "response.content_part.added", "response.output_text.done",
                "response.content_part.done", "response.output_item.done", "response.completed",
            ])
        #expect(events.map { $0["sequence_number"]?.int } == events.indices.map { $0 })
        let text = events.compactMap { $0["delta"]?.text }.joined()
        let reply = world.words(utterance.with(reply: 1))
        #expect(text.lowercased().hasPrefix(reply))
        #expect(text.contains("Done, eggs is on your list") || text.contains("done, eggs is"))
        let response = try #require(events.last?["response"])
        #expect(response["output"]?[0]?["content"]?[0]?["text"]?.text == text)
        let usage = try #require(response["usage"])
        #expect(
            usage["total_tokens"]?.int == (usage["input_tokens"]?.int ?? 0)
                + (usage["output_tokens"]?.int ?? 0))
        #expect(usage["input_tokens_details"]?["cache_write_tokens"]?.int == 0)
        #expect(
            world.context[.openai].usage.completionTokens
                == Int64(usage["output_tokens"]?.int ?? -1))
        #expect(
            world.facts.kinds == [.modelRequested, .modelFirstContent, .modelFinished])
        #expect(String(decoding: answer.body, as: UTF8.self).hasPrefix("event: response.created\n"))
    }

    @Test("Whole, a function is called; with its output and the response before, it is answered")
    func tools() throws {
        let (world, listener) = try start()
        let peer = HTTPPeer(world, to: listener.endpoint)
        peer.send(
            "POST", "/v1/responses", headers: auth,
            body: body(world, "add eggs to my list", [.init("tools", [Self.tool])]).encoded())
        world.run()
        let first = try #require(peer.answers.first?.json)
        let call = try #require(first["output"]?[0])
        #expect(call["type"]?.text == "function_call" && call["name"]?.text == "add_task")
        #expect(call["arguments"]?.text == #"{"title":"eggs"}"#)
        peer.send(
            "POST", "/v1/responses", headers: auth,
            body: JSONValue.object([
                .init("model", "gpt-4.1"), .init("previous_response_id", first["id"] ?? .null),
                .init("tools", [Self.tool]),
                .init(
                    "input",
                    [
                        [
                            "type": "function_call_output", "call_id": call["call_id"] ?? .null,
                            "output": "{}",
                        ]
                    ]),
            ]).encoded())
        world.run()
        let second = try #require(peer.answers.last?.json)
        let text = second["output"]?[0]?["content"]?[0]?["text"]?.text ?? ""
        #expect(text.contains("eggs is on your list"))
        #expect(text.lowercased().hasPrefix(world.words(utterance.with(reply: 2))))
        #expect(second["previous_response_id"] == first["id"])
        #expect(world.facts.of(.modelRequested).map(\.detail) == [0, 1])
    }

    @Test(
        "What is wrong is refused in the vendor's shape",
        arguments: [
            (#"{"input":"x"}"#, 400, "model"), (#"{"model":"m"}"#, 400, "input"),
            (
                #"{"model":"m","input":"x","previous_response_id":"resp_9"}"#, 400,
                "previous_response_id"
            ),
            (#"{"model":"m","input":[{"role":"cat","content":"x"}]}"#, 400, "input[0].role"),
            (#"{"model":"m","input":"x","max_output_tokens":0}"#, 400, "max_output_tokens"),
            (#"{"model":"m","input":"x","tool_choice":"required"}"#, 400, "tool_choice"),
        ])
    func refusals(text: String, status: Int, parameter: String) throws {
        let (world, listener) = try start()
        let peer = HTTPPeer(world, to: listener.endpoint)
        peer.send("POST", "/v1/responses", headers: auth, body: Array(text.utf8))
        peer.send("POST", "/v1/responses", body: Array(text.utf8))
        world.run()
        #expect(peer.answers.first?.head.status == status)
        #expect(peer.answers.first?.json?["error"]?["param"]?.text == parameter)
        #expect(peer.answers.last?.head.status == 401)
    }

    @Test("On a WebSocket requests are answered one after the other", arguments: pieceSizes)
    func socket(size: Int) throws {
        let (world, listener) = try start()
        let peer = try SocketPeer(
            world, to: listener.endpoint, "/v1/responses?model=gpt-4.1", headers: auth,
            pieceSize: size)
        world.run(for: .milliseconds(50))
        #expect(peer.isOpen)
        for text in ["add eggs to my list", "hello"] {
            var request = body(world, text)
            if case .object(let members) = request {
                request = .object(
                    [.init("type", "response.create"), .init("store", false)] + members)
            }
            peer.send(request)
        }
        world.run()
        let kinds = peer.messages.compactMap { $0["type"]?.text }
        #expect(kinds.filter { $0 == "response.completed" }.count == 2)
        let second = try #require(kinds.lastIndex(of: "response.created"))
        #expect(kinds.firstIndex(of: "response.completed") == second - 1)
        let ids = Set(
            peer.of("type", "response.created").compactMap { $0["response"]?["id"]?.text })
        #expect(ids.count == 2)
    }

    @Test("A cancelled response ends incomplete with what was said, and the next goes on from it")
    func cancel() throws {
        let (world, listener) = try start()
        let peer = try SocketPeer(world, to: listener.endpoint, "/v1/responses", headers: auth)
        world.run(for: .milliseconds(20))
        var request = body(world, "add eggs to my list")
        if case .object(let members) = request {
            request = .object([.init("type", "response.create")] + members)
        }
        peer.send(request)
        world.run(for: .milliseconds(240))
        let id = try #require(peer.messages.first?["response"]?["id"])
        peer.send(["type": "response.cancel", "response_id": id])
        world.run()
        let last = try #require(peer.messages.last)
        #expect(last["type"]?.text == "response.incomplete")
        let said = peer.of("type", "response.output_text.delta").compactMap { $0["delta"]?.text }
        #expect(
            !said.isEmpty
                && last["response"]?["output"]?[0]?["content"]?[0]?["text"]?.text == said.joined())
        #expect(world.facts.kinds.last == .modelCancelled)
        peer.send([
            "type": "response.create", "model": "m", "previous_response_id": id, "input": "hello",
        ])
        peer.send(["type": "response.create", "model": "m", "previous_response_id": "resp_none"])
        peer.send(["type": "nonsense"])
        world.run()
        #expect(peer.of("type", "response.completed").count == 1)
        let errors = peer.of("type", "error").map { $0["error"]?["code"]?.text }
        #expect(Set(errors) == ["previous_response_not_found", "invalid_value"])
        #expect(peer.of("type", "error").allSatisfy { $0["status"]?.int == 400 })
    }

    @Test("One response too many is a 429 on the socket and over HTTP")
    func limits() throws {
        let (world, listener) = try start(limit: 1)
        let first = HTTPPeer(world, to: listener.endpoint)
        first.send("POST", "/v1/responses", headers: auth, body: body(world, "x").encoded())
        let peer = try SocketPeer(world, to: listener.endpoint, "/v1/responses", headers: auth)
        world.run(for: .milliseconds(20))
        peer.send(["type": "response.create", "model": "m", "input": "hello"])
        world.run(for: .milliseconds(100))
        #expect(peer.messages.first?["error"]?["code"]?.text == "rate_limit_exceeded")
        #expect(peer.messages.first?["status"]?.int == 429)
        world.run()
        #expect(first.answers.first?.head.status == 200)
    }

    @Test("A key that is missing refuses the upgrade with 401")
    func keys() throws {
        let (world, listener) = try start()
        let peer = try SocketPeer(world, to: listener.endpoint, "/v1/responses")
        world.run()
        #expect(peer.refusal?.head.status == 401)
    }
}
