import Testing
import UproarCore
import UproarFaults
import UproarProviders
import UproarRuntime
import UproarWire

/// Each fault against a reference client on HTTP with server-sent events.
@Suite("Faults at an emulator")
struct ProviderFaultTests {
    struct Outcome {
        var status: Int?
        var content = ""
        var isWhole = false
        var closeReason: CloseReason?
        var pieces: [Instant] = []
        var body = ""
        var asked = Instant.zero
        var effects: [Fact] = []
        var headers: [String: String] = [:]
    }

    func plan(
        _ fault: String, _ attributes: [(String, FaultDescriptor.Value)] = [],
        scope: FaultScope = .init(on: ["openai"])
    ) -> FaultPlan {
        FaultPlan(
            id: "f", number: 5, fault: fault, attributes: .init(attributes), scope: scope,
            window: .init(from: .zero, until: .zero + .seconds(60)), seed: Seed(1))
    }

    func ask(_ plan: FaultPlan?) throws -> Outcome {
        let world = EmulatorWorld()
        let emulator = OpenAIEmulator(
            script: .init(
                greeting: "Hello.", intents: [], fallback: ["One two three four five six."]),
            settings: .init(
                firstToken: .constant(.milliseconds(200)),
                tokenInterval: .constant(.milliseconds(50))), context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        let faults = FaultInterference(context: world.context, facts: world.facts)
        if let plan { #expect(faults.arm(plan)) }
        let peer = HTTPPeer(world, to: listener.endpoint)
        var outcome = Outcome(asked: world.context.now)
        let words = world.words(TurnReference(call: 7, utterance: 2))
        let body: JSONValue = [
            "model": "gpt-4o-mini", "stream": true,
            "messages": [["role": "user", "content": .string("\(words), hello")]],
        ]
        peer.send(
            "POST", "/v1/chat/completions",
            headers: ["Authorization": "Bearer k", "Content-Type": "application/json"],
            body: body.encoded())
        world.run(for: .seconds(20))
        if let answer = peer.answers.first {
            outcome.status = answer.head.status
            outcome.isWhole = answer.isWhole
            outcome.pieces = answer.pieces
            outcome.body = String(decoding: answer.body, as: UTF8.self)
            for event in answer.events {
                let json = try? JSONParser.parse(Array(event.utf8))
                outcome.content += json?["choices"]?[0]?["delta"]?["content"]?.text ?? ""
            }
            for name in ["retry-after"] { outcome.headers[name] = answer.head.headers[name] }
        }
        outcome.closeReason = peer.closeReason
        outcome.effects = world.facts.of(.faultEffective)
        return outcome
    }

    @Test("Without a fault the answer is whole, and nothing is effective")
    func sound() throws {
        let outcome = try ask(nil)
        #expect(outcome.status == 200 && outcome.isWhole && outcome.effects.isEmpty)
        #expect(outcome.content.hasSuffix(".") || outcome.content.contains("six"))
        let first = try #require(outcome.pieces.first)
        #expect(first - outcome.asked < .milliseconds(210))
    }

    @Test(
        "Refusals come with their status and are effective on the call whose turn it was",
        arguments: [
            ("http_error", [("status", FaultDescriptor.Value.integer(502))], 502),
            ("http_error", [], 503), ("rate_limit", [], 429), ("auth_fail", [], 401),
            ("auth_fail", [("status", .text("402"))], 402),
        ])
    func refusals(
        _ fault: String, _ attributes: [(String, FaultDescriptor.Value)], _ status: Int
    ) throws {
        let outcome = try ask(plan(fault, attributes))
        #expect(outcome.status == status)
        #expect(outcome.effects.map(\.call) == [7])
        #expect(outcome.effects.map(\.detail) == [5])
        if fault == "rate_limit" { #expect(outcome.headers["retry-after"] == "1") }
    }

    @Test("Retry-After is written right, too small, as a date or not at all")
    func retryForms() throws {
        func header(_ form: String) throws -> String? {
            try ask(
                plan(
                    "rate_limit",
                    [("retry_form", .text(form)), ("retry_after", .duration(.seconds(3)))])
            ).headers["retry-after"]
        }
        #expect(try header("correct") == "3")
        #expect(try header("too_small") == "0")
        #expect(try header("absent") == nil)
        #expect(try header("date")?.hasSuffix("GMT") == true)
    }

    @Test("Connections are reset, left hanging, or left at the head of the answer")
    func silences() throws {
        #expect(try ask(plan("connect_refuse")).closeReason != nil)
        let hung = try ask(plan("connect_hang"))
        #expect(hung.status == nil && hung.closeReason == nil && hung.effects.count == 1)
        let head = try ask(plan("headers_then_hang"))
        #expect(head.status == 200 && head.content.isEmpty && !head.isWhole)
        let dead = try ask(plan("half_open"))
        #expect(dead.status == nil && dead.closeReason == nil && dead.effects.count == 1)
    }

    @Test("The first content is later by what was asked, counted in the provider's own time")
    func firstByte() throws {
        let outcome = try ask(
            plan("ttfb_delay", [("delay", .distribution(.constant(.milliseconds(700))))]))
        let first = try #require(outcome.pieces.first)
        #expect((first - outcome.asked) >= .milliseconds(900))
        #expect((first - outcome.asked) < .milliseconds(910))
        #expect(outcome.isWhole && outcome.effects.count == 1)
    }

    @Test(
        "A delay of the first content meets the requests that `where` names",
        arguments: [("gpt-4o-mini", 1), ("gpt-4o*", 1), ("gpt-4o", 0)])
    func firstByteOfSome(_ model: String, _ effects: Int) throws {
        var late = plan("ttfb_delay", [("delay", .distribution(.constant(.milliseconds(700))))])
        late.scope.conditions = [.init("model", model), .init("method", "POST")]
        let outcome = try ask(late)
        let first = try #require(outcome.pieces.first)
        #expect((first - outcome.asked >= .milliseconds(900)) == (effects == 1))
        #expect(outcome.isWhole && outcome.effects.count == effects)
    }

    @Test("A stall holds at its chunk for its time; a cut ends there; a pace spreads the chunks")
    func middles() throws {
        let stalled = try ask(
            plan("stall_at", [("after_chunks", .integer(2)), ("stall", .duration(.seconds(3)))]))
        #expect(stalled.isWhole)
        let gaps = zip(stalled.pieces.dropFirst(), stalled.pieces).map { $0 - $1 }
        #expect(
            gaps[1] >= .seconds(3))
        #expect(gaps[0] < .milliseconds(60))
        let cut = try ask(plan("cut_at", [("after_chunks", .integer(2))]))
        #expect(!cut.isWhole && (2...3).contains(cut.pieces.count) && cut.closeReason != nil)
        let paced = try ask(
            plan("pace", [("gap", .distribution(.constant(.milliseconds(400))))]))
        let pacedGaps = zip(paced.pieces.dropFirst(), paced.pieces).map { $0 - $1 }
        #expect(pacedGaps.dropLast().allSatisfy { $0 >= .milliseconds(399) })
        #expect(paced.isWhole)
    }

    @Test("Successes that are none: empty, cut short, an error inside, keep-alives alone, garbled")
    func hollow() throws {
        let empty = try ask(plan("empty_success"))
        #expect(empty.status == 200 && empty.isWhole && empty.content.isEmpty)
        #expect(empty.body.contains("[DONE]"))
        let short = try ask(plan("truncated_success", [("after_chunks", .integer(2))]))
        #expect(short.isWhole && !short.content.isEmpty && !short.content.contains("six"))
        let failed = try ask(plan("inband_error", [("after_chunks", .integer(1))]))
        #expect(failed.body.contains("server_error") && failed.isWhole)
        let kept = try ask(plan("keepalive_only", [("interval", .duration(.seconds(2)))]))
        #expect(kept.content.isEmpty && !kept.isWhole)
        let broken = try ask(plan("malformed", [("kind", .text("bad_json"))]))
        #expect(broken.content.isEmpty && broken.isWhole)
    }

    @Test("What it does not name is left alone, and over is over")
    func others() throws {
        let outcome = try ask(plan("http_error", scope: .init(on: ["deepgram"])))
        #expect(outcome.status == 200 && outcome.effects.isEmpty)
        var scope = FaultScope(on: ["llm"])
        scope.conditions = [.init("model", "gpt-3*")]
        #expect(try ask(plan("http_error", scope: scope)).status == 200)
        var over = plan("http_error")
        over.window.until = .zero - .seconds(1)
        #expect(try ask(over).status == 200)
    }
}
