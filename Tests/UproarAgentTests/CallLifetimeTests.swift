import Testing
import UproarCore
import UproarRuntime
import UproarSimulation

@testable import UproarAgent

/// Nothing of a call outlives it for longer than its timers: memory does not grow with calls.
@Suite struct CallLifetimeTests {
    private final class Line: CallChannel {
        let format = AudioFormat.telephone
        var played = 0
        func play(_ audio: RawSpan) { played += audio.byteCount }
        func mark(_ name: String) {}
        func clear() {}
        func hangUp() {}
        func fallBackToText(_ text: String) -> Bool { false }
        func show(_ text: String) {}
        func flush() {}
    }

    private final class Weak {
        weak var call: CallSession?
    }

    /// How far the caller gets before the call ends.
    enum Depth: CaseIterable { case nothing, greeting, thinking, speaking, answered, keys, screen }

    @Test(arguments: Depth.allCases, [true, false])
    func aCallThatIsOverIsGone(depth: Depth, isOrderly: Bool) throws {
        let world = SimulatedWorld()
        var settings = AgentSettings()
        settings.greeting = "Hello."
        settings.preparesPhrases = false
        var parts = AgentParts(loop: world.loop, network: world.network)
        parts.recognisers = [("deepgram", ScriptedRecogniser(["add milk"], loop: world.loop))]
        parts.models = [
            ModelCandidate(
                ScriptedModel(["A long answer that takes its time."], loop: world.loop),
                model: "first")
        ]
        parts.voices = [
            ("cartesia", VoiceCandidate(ScriptedVoice(loop: world.loop), voice: "one"))
        ]
        parts.sessions = MemorySessions(loop: world.loop)
        let server = AgentServer(settings, parts: parts)
        let line = Line()
        let weak = Weak()
        func call() {
            let session = CallSession(
                CallIntroduction(call: "c", parameters: [.init("session_id", "s")]), over: line,
                worker: server.worker)
            weak.call = session
            session.begin()
            func run(_ milliseconds: Int64) { world.run(for: .milliseconds(milliseconds)) }
            switch depth {
            case .nothing: break
            case .greeting: run(500)
            case .thinking:
                run(2000)
                session.read("add milk", at: world.now)
                run(100)
            case .speaking:
                run(2000)
                session.read("add milk", at: world.now)
                run(1000)
            case .answered:
                run(2000)
                session.read("add milk", at: world.now)
                run(9000)
            case .keys:
                run(2000)
                session.heardDigit("0", at: world.now)
                run(3000)
            case .screen:
                session.saw(Picture(mime: "image/png", bytes: [1]), at: world.now)
                run(2000)
                session.read("what do you see", at: world.now)
                run(500)
            }
            session.ended(isOrderly: isOrderly, at: world.now)
        }
        call()
        // The longest timer of a call: the last chance of a hand-off's goodbye.
        world.run(for: .seconds(12))
        #expect(weak.call == nil)
        withExtendedLifetime(line) {}
    }
}
