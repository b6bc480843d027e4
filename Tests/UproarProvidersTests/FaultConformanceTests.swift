import Testing
import UproarCore
import UproarFaults
import UproarProviders
import UproarRuntime
import UproarWire

/// Each fault of provider streams by its magnitude, on each protocol: an answer in one piece over HTTP (Whisper), server-sent events (OpenAI) and
/// WebSocket (Cartesia). Time is virtual, so a delay is exact but for the loop's own steps.
@Suite("Magnitudes of faults over HTTP, server-sent events and WebSocket")
struct FaultConformanceTests {
    static let protocols: [ClientTrial] = [.whisper, .openai, .cartesia]
    static let slack = Duration.milliseconds(2)

    /// So long after it was asked the first content came.
    private func first(_ outcome: ClientTrial.Outcome) throws -> Duration {
        try #require(outcome.times.first) - outcome.asked
    }

    @Test("http_error: the status, after its delay", arguments: protocols)
    func httpError(_ client: ClientTrial) throws {
        let outcome = try client.ask(
            "http_error",
            [("status", .integer(502)), ("delay", .distribution(.constant(.milliseconds(700))))])
        guard case .refused(502, _, nil)? = outcome.failure else {
            Issue.record("\(String(describing: outcome.failure))")
            return
        }
        // A WebSocket was asked for 50 ms before its first text.
        let head: Duration = client == .cartesia ? .milliseconds(50) : .zero
        let waited = try #require(outcome.failed) - outcome.asked + head
        #expect(waited >= .milliseconds(700) && waited <= .milliseconds(700) + Self.slack)
        #expect(outcome.effects == 1)
    }

    @Test("rate_limit: so many pass in each window, the others wait as told", arguments: protocols)
    func rateLimit(_ client: ClientTrial) throws {
        let outcomes = try client.ask(
            "rate_limit",
            [
                ("rate", .integer(2)), ("window", .duration(.seconds(60))),
                ("retry_after", .duration(.seconds(7))),
            ], times: 6)
        #expect(outcomes.count { $0.isFinished } == 2)
        for outcome in outcomes.dropFirst(2) {
            guard case .refused(429, _, .seconds(7))? = outcome.failure else {
                Issue.record("\(String(describing: outcome.failure))")
                continue
            }
        }
        #expect(outcomes[0].effects == 4)
    }

    @Test(
        "ttfb_delay: the first content is later by it, all else is as it was", arguments: protocols)
    func firstByte(_ client: ClientTrial) throws {
        let sound = try client.ask(nil)
        let late = try client.ask(
            "ttfb_delay", [("delay", .distribution(.constant(.milliseconds(700))))])
        let added = try first(late) - first(sound)
        #expect(
            added >= .milliseconds(700) - Self.slack && added <= .milliseconds(700) + Self.slack)
        #expect(late.content == sound.content && late.isFinished && late.effects > 0)
    }

    @Test("stall_at: the chunk is held for its time, and all comes", arguments: protocols)
    func stall(_ client: ClientTrial) throws {
        let sound = try client.ask(nil)
        // An answer in one piece is held before it.
        let place = client == .whisper ? 0 : 2
        let stalled = try client.ask(
            "stall_at", [("after_chunks", .integer(place)), ("stall", .duration(.seconds(3)))])
        #expect(stalled.content == sound.content && stalled.isFinished && stalled.effects == 1)
        let (was, now) =
            place == 0
            ? (try first(sound), try first(stalled))
            : (sound.gaps[place - 1], stalled.gaps[place - 1])
        // It is held from when it would have left; what follows leaves with it.
        #expect(now - was >= .seconds(3) - Self.slack && now - was <= .seconds(3) + Self.slack)
        let others = place == 0 ? [] : stalled.gaps.enumerated().filter { $0.offset != place - 1 }
        #expect(others.allSatisfy { $0.element < .seconds(1) })
    }

    @Test("cut_at: exactly so many chunks come, then the connection ends", arguments: protocols)
    func cut(_ client: ClientTrial) throws {
        let sound = try client.ask(nil)
        let place = client == .whisper ? 0 : 2
        let cut = try client.ask("cut_at", [("after_chunks", .integer(place))])
        #expect(cut.times.count == place)
        #expect(cut.content == Array(sound.content.prefix(cut.content.count)))
        #expect(!cut.isFinished && cut.failure == .cut && cut.effects == 1)
    }

    @Test("half_open: nothing comes any more, and nothing ends", arguments: protocols)
    func halfOpen(_ client: ClientTrial) throws {
        let place = client == .whisper ? 0 : 2
        let dead = try client.ask(
            "half_open", [("after_chunks", .integer(place)), ("connects", .text("pass"))])
        #expect(dead.times.count == place)
        #expect(!dead.isFinished && dead.failure == nil && dead.effects == 1)
    }

    @Test("keepalive_only: no content, no end", arguments: protocols)
    func keepAlive(_ client: ClientTrial) throws {
        let kept = try client.ask("keepalive_only", [("interval", .duration(.seconds(2)))])
        #expect(kept.content.isEmpty && !kept.isFinished && kept.failure == nil)
        #expect(kept.effects == 1)
    }

    @Test("empty_success: a success in order with nothing in it", arguments: protocols)
    func empty(_ client: ClientTrial) throws {
        let empty = try client.ask("empty_success")
        #expect(empty.content.isEmpty && empty.effects == 1)
        // Our model's client knows a success without content for what it is; an agent does with a voice's and a recogniser's.
        #expect(client == .openai ? empty.failure == .empty : empty.isFinished || empty.isMalformed)
    }

    @Test(
        "inband_error: exactly so many chunks come, then the vendor's words", arguments: protocols)
    func inband(_ client: ClientTrial) throws {
        let place = client == .whisper ? 0 : 2
        let failed = try client.ask("inband_error", [("after_chunks", .integer(place))])
        #expect(failed.times.count == place)
        #expect(!failed.isFinished && failed.effects == 1)
        switch (client, failed.failure) {
        case (.openai, .reported?), (.cartesia, .refused(500, _, _)?),
            (.whisper, .refused(500, _, _)?):
            break
        default: Issue.record("\(String(describing: failed.failure))")
        }
    }

    @Test("malformed: not one broken chunk is taken for content", arguments: protocols)
    func malformed(_ client: ClientTrial) throws {
        let broken = try client.ask("malformed")
        #expect(broken.content.isEmpty && broken.isMalformed && broken.effects == 1)
    }

    // MARK: Signs of life, as a peer sees them

    @Test("keepalive_only: a comment in an event stream each interval")
    func comments() throws {
        let world = EmulatorWorld()
        let emulator = OpenAIEmulator(
            script: .init(greeting: "Hello.", intents: [], fallback: ["One two three."]),
            settings: .init(firstToken: .constant(.milliseconds(200))), context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        let faults = FaultInterference(context: world.context, facts: world.facts)
        #expect(
            faults.arm(
                ClientTrial.plan(
                    "keepalive_only", [("interval", .duration(.seconds(2)))], on: "openai")))
        let peer = HTTPPeer(world, to: listener.endpoint)
        let body: JSONValue = [
            "model": "gpt-4o-mini", "stream": true,
            "messages": [["role": "user", "content": "hello"]],
        ]
        peer.send(
            "POST", "/v1/chat/completions",
            headers: ["Authorization": "Bearer k", "Content-Type": "application/json"],
            body: body.encoded())
        world.run(for: .seconds(20))
        let answer = try #require(peer.answers.first)
        let comments = String(decoding: answer.body, as: UTF8.self).split(separator: "\n").count {
            $0 == ": keep-alive"
        }
        // From 0.2 s on, at 0, 2, … 18 s of it.
        #expect(comments == 10)
        let gaps = zip(answer.pieces.dropFirst(), answer.pieces).map { $0 - $1 }
        #expect(gaps.suffix(8).allSatisfy { $0 == .seconds(2) })
    }

    @Test("keepalive_only: a ping on a WebSocket each interval")
    func pings() throws {
        let world = EmulatorWorld()
        let emulator = CartesiaEmulator(
            settings: .init(firstByte: .constant(.milliseconds(90))),
            renderer: HummingRenderer(loop: world.context.loop), context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        let faults = FaultInterference(context: world.context, facts: world.facts)
        #expect(
            faults.arm(
                ClientTrial.plan(
                    "keepalive_only", [("interval", .duration(.seconds(2)))], on: "cartesia")))
        let peer = try SocketPeer(
            world, to: listener.endpoint, "/tts/websocket?cartesia_version=2026-03-01",
            headers: ["X-API-Key": "k"])
        world.run(for: .milliseconds(10))
        peer.send([
            "context_id": "c", "model_id": "sonic-3", "transcript": "one two three",
            "voice": ["mode": "id", "id": "v"], "continue": false,
            "output_format": ["container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000],
        ])
        world.run(for: .seconds(20))
        #expect(peer.of("type", "chunk").isEmpty)
        #expect(peer.pings == 10)
    }
}
