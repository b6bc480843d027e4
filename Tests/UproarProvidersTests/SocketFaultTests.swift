import Testing
import UproarCore
import UproarFaults
import UproarProviders
import UproarRuntime
import UproarWire

/// Each fault against a reference client on WebSocket: our own, of a voice.
@Suite("Faults at an emulator, over WebSocket")
struct SocketFaultTests {
    private struct Outcome {
        var isOpen: Bool
        /// Bytes of speech, and when they came.
        var spoken: Int
        var times: [Instant]
        var asked: Instant
        var isFinished: Bool
        var failure: ProviderFailure?
        var effects: Int
    }

    private func ask(
        _ fault: String?, _ attributes: [(String, FaultDescriptor.Value)] = []
    ) throws -> Outcome {
        let world = EmulatorWorld()
        let emulator = CartesiaEmulator(
            settings: .init(firstByte: .constant(.milliseconds(90))),
            renderer: HummingRenderer(loop: world.context.loop), context: world.context)
        let listener = try EmulatorListener(emulator, on: .loopback(0), context: world.context)
        let faults = FaultInterference(context: world.context, facts: world.facts)
        if let fault {
            let plan = FaultPlan(
                id: "f", number: 5, fault: fault, attributes: .init(attributes),
                scope: .init(on: ["cartesia"]),
                window: .init(from: .zero, until: .zero + .seconds(60)), seed: Seed(1))
            #expect(faults.arm(plan))
        }
        let client = CartesiaClient(
            ProviderAccess(
                .cartesia, at: try WireURL("ws://\(listener.endpoint)"), key: "key",
                model: "sonic-3", loop: world.context.loop, network: world.context.network,
                random: world.seed.stream("client")))
        let ear = VoiceEar(world.context.loop)
        let stream = client.open(
            TextToSpeechSettings(format: .telephone, voice: "v-1"), handler: ear)
        world.run(for: .milliseconds(50))
        let asked = world.context.now
        let words = world.words(TurnReference(call: 7, utterance: 2, reply: 1))
        stream.speak("\(words), one two three four five six seven, \(words).", reply: 1)
        stream.finishText(reply: 1)
        world.run(for: .seconds(20))
        return Outcome(
            isOpen: ear.isOpen, spoken: ear.audio[1]?.count ?? 0, times: ear.times[1] ?? [],
            asked: asked, isFinished: ear.finished == [1], failure: ear.failures.first?.0,
            effects: world.facts.of(.faultEffective).count)
    }

    @Test("Without a fault the reply is whole, and nothing is effective")
    func sound() throws {
        let outcome = try ask(nil)
        #expect(outcome.isFinished && outcome.failure == nil && outcome.effects == 0)
        #expect(outcome.spoken > 8_000)
    }

    @Test(
        "Upgrades are refused with their status",
        arguments: [("http_error", 503), ("rate_limit", 429), ("auth_fail", 401)])
    func refusals(_ fault: String, _ status: Int) throws {
        let outcome = try ask(fault)
        #expect(!outcome.isOpen && outcome.effects > 0)
        guard case .refused(status, _, let wait)? = outcome.failure else {
            Issue.record("\(String(describing: outcome.failure))")
            return
        }
        if fault == "rate_limit" { #expect(wait == .seconds(1)) }
    }

    @Test("Accepted and closed with a code")
    func closes() throws {
        let outcome = try ask("close_code", [("code", .integer(1013))])
        guard case .closed(let code, _)? = outcome.failure else {
            Issue.record("\(String(describing: outcome.failure))")
            return
        }
        #expect(code == 1013 && outcome.effects > 0)
    }

    @Test("Nothing comes, and nothing is closed", arguments: ["half_open", "keepalive_only"])
    func silences(_ fault: String) throws {
        let attributes: [(String, FaultDescriptor.Value)] =
            fault == "half_open" ? [("connects", .text("mute"))] : []
        let outcome = try ask(fault, attributes)
        #expect(outcome.spoken == 0 && !outcome.isFinished)
        #expect(outcome.effects > 0)
    }

    @Test("The first audio is later by what was asked, in the provider's own time")
    func firstByte() throws {
        let outcome = try ask(
            "ttfb_delay", [("delay", .distribution(.constant(.milliseconds(700))))])
        let first = try #require(outcome.times.first) - outcome.asked
        #expect(first >= .milliseconds(790) && first < .milliseconds(800))
        #expect(outcome.isFinished && outcome.effects > 0)
    }

    @Test("A stall holds for its time and all comes; a cut ends the connection in the middle")
    func middles() throws {
        let whole = try ask(nil)
        let stalled = try ask(
            "stall_at", [("after_chunks", .integer(2)), ("stall", .duration(.seconds(3)))])
        #expect(stalled.isFinished && stalled.spoken == whole.spoken)
        let gaps = zip(stalled.times.dropFirst(), stalled.times).map { $0 - $1 }
        #expect(gaps.max() ?? .zero >= .seconds(3))
        let cut = try ask("cut_at", [("after_chunks", .integer(2)), ("how", .text("reset"))])
        #expect(cut.spoken > 0 && cut.spoken < whole.spoken)
        #expect(!cut.isFinished && cut.failure != nil && cut.effects > 0)
    }

    @Test("Successes that are none: empty, cut short, with an error inside")
    func hollow() throws {
        let whole = try ask(nil)
        let empty = try ask("empty_success")
        #expect(empty.isFinished && empty.spoken == 0 && empty.failure == nil)
        let short = try ask("truncated_success", [("after_chunks", .integer(2))])
        #expect(short.isFinished && short.spoken > 0 && short.spoken < whole.spoken)
        let failed = try ask("inband_error", [("after_chunks", .integer(1))])
        #expect(!failed.isFinished && failed.failure != nil && failed.spoken < whole.spoken)
    }
}
