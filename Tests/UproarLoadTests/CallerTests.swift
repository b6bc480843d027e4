import Testing
import UproarAudio
import UproarCore
import UproarRuntime
import UproarSimulation

@testable import UproarLoad

/// A caller over a transport that only writes down, with an agent that speaks as each test says.
@Suite struct CallerTests {
    private final class Frames: PreparedAudio {
        let frameCount = 50
        func samples(ofFrame frame: Int) -> ArraySlice<UInt8> {
            [UInt8](repeating: 0xff, count: 160)[...]
        }
    }

    private final class Call: CallMedia {
        func send(_ audio: any PreparedAudio, frame: Int) {}
        func send(digit: Character) {}
        func show(_ picture: any PreparedPicture) {}
        func hangUp() {}
        var sentByteCount: Int { 0 }
        var receivedByteCount: Int { 0 }
    }

    private final class Transport: CallTransport {
        let format = AudioFormat.telephone
        func prepare(_ frames: [UInt8]) -> any PreparedAudio { Frames() }
        func prepare(_ picture: Picture) -> (any PreparedPicture)? { nil }
        func dial(_ setup: CallSetup, handler: any CallMediaHandler) -> any CallMedia { Call() }
    }

    /// 20 ms of noise like a voice that swings around zero.
    private static let voice: [UInt8] = {
        var random = RandomStream(state: 4)
        var last = 0.0
        let samples = (0..<80).map { _ -> Int16 in
            last = 0.9 * last + random.gaussian() * 900
            return Int16(max(-20_000, min(20_000, last)))
        }
        var bytes: [UInt8] = []
        let whole = samples + samples.map { -$0 }
        G711.muLaw.encode(whole.span, into: &bytes)
        return bytes
    }()

    /// The remarks on a call of 12 s whose agent speaks in these 20 ms frames.
    private func remarks(agentSpeaksIn frames: (Int) -> Bool) throws -> [String] {
        let world = SimulatedWorld()
        let clip = ClipDescription(
            id: "a", file: "a.wav", transcript: "a", speech: .zero..<(.seconds(1)))
        let script = ConversationScript(
            name: "t", steps: [.say(.init(clips: .named(["a"])))],
            languageModel: LanguageModelScript(greeting: "", intents: [], fallback: ["Yes."]))
        let line = CallLine(
            transport: Transport(),
            library: CallerLibrary(
                clips: [.init(description: clip, audio: Frames())], silence: Frames(),
                tones: Frames(), headTag: { _ in [] }, key: nil),
            conversation: try ConversationPlan(script, clips: [clip], seed: Seed(1)))
        var end: CallMediaEnd?
        let caller = Caller(
            plan: .init(
                call: 0, slot: 0, due: .zero, loadLine: 0,
                setup: CallSetup(call: 0, limit: .seconds(10))),
            dialogue: Dialogue(
                steps: { index in
                    line.conversation.step(call: 0, index: index).map {
                        Dialogue.Step($0, patience: .seconds(10))
                    }
                }, greetingWithin: .seconds(10), isTagged: false),
            line: line, loop: world.loop, engine: CallerEngine(loop: world.loop),
            facts: FactBatch(), ended: { end = $1 })
        caller.dial()
        caller.answered(at: world.now)
        for frame in 0..<600 {
            world.run(for: .milliseconds(20))
            guard frames(frame) else { continue }
            caller.heard(Self.voice.span.bytes, playsAt: world.now, arrivedAt: world.now)
        }
        world.run(for: .milliseconds(300))
        caller.ended(.hungUp, at: world.now)
        #expect(end == .hungUp)
        return caller.remarks
    }

    @Test func anAgentThatNeverFallsSilentIsRemarkedOn() throws {
        let remarks = try remarks { _ in true }
        #expect(remarks.count == 1)
        #expect(
            remarks.first?.hasPrefix("the agent did not fall silent for 5 s or more") == true,
            "\(remarks)")
    }

    @Test func aGreetingAndAnAnswerOfEverySizeAreNot() throws {
        #expect(try remarks { $0 < 200 } == [])
        #expect(try remarks { $0 < 50 || $0 > 200 } == [])
        #expect(try remarks { _ in false } == [])
    }
}
