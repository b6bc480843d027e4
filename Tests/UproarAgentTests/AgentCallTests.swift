import Testing
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarWire

@testable import UproarAgent

/// Whole calls in virtual time: scripted callers and providers around the real agent.
@Suite struct AgentCallTests {
    private final class Scene {
        let world = SimulatedWorld()
        let recogniser: ScriptedRecogniser
        let model: ScriptedModel
        let voice: ScriptedVoice
        let sessions: MemorySessions
        let server: AgentServer
        let endpoint: Endpoint

        init(
            hears utterances: [String] = [], says answers: [String] = ["Fine."],
            tasksTake delay: Duration? = nil, _ change: (inout AgentSettings) -> Void = { _ in }
        ) throws {
            recogniser = ScriptedRecogniser(utterances, loop: world.loop)
            model = ScriptedModel(answers, loop: world.loop)
            voice = ScriptedVoice(loop: world.loop)
            sessions = MemorySessions(loop: world.loop)
            var settings = AgentSettings()
            settings.greeting = "Hello."
            settings.resumption = "I am back."
            settings.toolAcknowledgement = "Wait."
            // Nothing is made before the first call: what is spoken is what calls needed.
            settings.holdPhrase = ""
            settings.apology = "Sorry about that."
            settings.preparesPhrases = false
            settings.failback = false
            change(&settings)
            var parts = AgentParts(loop: world.loop, network: world.network)
            parts.recognisers = [("first", recogniser)]
            parts.models = [ModelCandidate(model, model: "first")]
            parts.voices = [("first", VoiceCandidate(voice, voice: "one"))]
            parts.sessions = sessions
            if let delay { parts.tasks = SlowTaskStore(delay, loop: world.loop) }
            server = AgentServer(settings, parts: parts)
            endpoint = try server.start()
        }

        func call(_ parameters: JSONValue = [:], path: String = "/media") -> ScriptedCaller {
            ScriptedCaller(
                to: endpoint, path: path, parameters: parameters, loop: world.loop,
                network: world.network)
        }

        func run(until milliseconds: Int64) {
            world.loop.run(until: Instant(nanoseconds: milliseconds * 1_000_000))
        }

        /// The history as the next request would carry it.
        var lastMessages: [ChatMessage] { model.requests.last?.messages ?? [] }
        var session: SessionRecord? { sessions.values["voice:session:s"].flatMap { .init($0) } }
    }

    private let known: JSONValue = ["session_id": "s", "user_id": "u"]

    @Test func aTurnIsAnsweredWithinTheStagesItIsMadeOf() throws {
        let scene = try Scene(hears: ["add milk"], says: ["I have added milk, to your list."])
        let caller = scene.call(known)
        caller.speak(2000..<3000)
        scene.run(until: 8000)
        // The greeting, spoken at once: no session was there.
        #expect(caller.heard.first == 81...281)
        // Last loud sample at 3000; the interim covers it 60 ms after its batch (3040 at the latest); 100 ms of silence have been
        // heard by then; first token 250 ms later, four words to the first comma 37.5 ms, the voice 80 ms.
        let answer = try #require(caller.heard.last)
        #expect(caller.heard.count == 2)
        #expect((3460...3480).contains(answer.lowerBound), "\(answer)")
        #expect(answer.upperBound - answer.lowerBound == 7 * 200)
        #expect(scene.model.requests.count == 1)
        #expect(scene.model.cancelled == 0)
        #expect(scene.voice.spoken == ["Hello.", "I have added milk,", " to your list."])
        #expect(
            scene.session?.messages == [
                .agent("Hello."), .caller("add milk"),
                .agent("I have added milk, to your list."),
            ])
        #expect(scene.recogniser.streams[0].finishes == 1)
    }

    @Test func nothingIsHeardBeforeTheTurnIsOver() throws {
        // A pause of 400 ms within the utterance, and an agent that knows of such pauses.
        let scene = try Scene(hears: ["add milk", "and bread"], says: ["One two three four five."])
        {
            $0.endpointing = .milliseconds(500)
            $0.greeting = ""
        }
        scene.model.firstToken = .milliseconds(50)
        let caller = scene.call()
        caller.speak(1000..<2000)
        caller.speak(2400..<3400)
        scene.run(until: 7000)
        #expect(caller.heard.count == 1)
        #expect(try #require(caller.heard.first).lowerBound >= 3900)
        #expect(scene.lastMessages.last == .caller("add milk and bread"))
        #expect(scene.model.requests.count == 2)
    }

    @Test func aFinalResultWithOtherWordsBeginsTheReplyAnew() throws {
        let scene = try Scene(hears: ["add silk"], says: ["Silk it is, sir.", "Milk it is, sir."]) {
            $0.greeting = ""
        }
        scene.recogniser.corrections[0] = "add milk"
        let caller = scene.call(known)
        caller.speak(1000..<2000)
        scene.run(until: 6000)
        #expect(scene.model.requests.count == 2)
        #expect(scene.model.cancelled == 1)
        #expect(caller.heard.count == 1)
        #expect(scene.session?.messages == [.caller("add milk"), .agent("Milk it is, sir.")])
    }

    @Test func anInterruptionStopsEverythingAndOnlyWhatWasHeardIsKept() throws {
        let long = (10...49).map { "word\($0)" }.joined(separator: " ") + "."
        let scene = try Scene(hears: ["tell me", "stop that"], says: [long, "Fine, I stop."]) {
            $0.greeting = ""
        }
        let caller = scene.call(known)
        caller.speak(1000..<2000)
        caller.speak(4000..<5000)
        scene.run(until: 4900)
        // The interim comes with the words only once the burst is over, so the voice alone decides: 500 + 200 ms and an onset.
        let cut = try #require(caller.clears.first)
        #expect((4700...4760).contains(cut), "\(cut)")
        let first = try #require(caller.heard.first)
        #expect(first.upperBound == cut)
        scene.run(until: 8000)
        let words = Int(first.upperBound - first.lowerBound) / 200
        let heard = (10..<10 + words).map { "word\($0)" }.joined(separator: " ")
        #expect(
            scene.session?.messages == [
                .caller("tell me"), .agent(heard), .caller("stop that"), .agent("Fine, I stop."),
            ])
    }

    @Test func aBackchannelDoesNotInterrupt() throws {
        let long = (1...20).map { "word\($0)" }.joined(separator: " ") + "."
        let scene = try Scene(hears: ["tell me", "mm-hm"], says: [long]) { $0.greeting = "" }
        let caller = scene.call(known)
        caller.speak(1000..<2000)
        caller.speak(4000..<4300)
        scene.run(until: 9000)
        #expect(caller.clears == [])
        #expect(caller.heard.count == 1)
        #expect(scene.model.requests.count == 1)
        #expect(scene.session?.messages == [.caller("tell me"), .agent(long)])
    }

    // MARK: Tools

    @Test func toolsRunOnceAndOnlyWhenTheTurnIsOver() throws {
        let scene = try Scene(
            hears: ["add milk"],
            says: [#"!create_task {"title":"milk"}"#, "Milk is on your list."]
        ) {
            $0.greeting = ""
            $0.endpointing = .milliseconds(900)
        }
        let caller = scene.call(known)
        caller.speak(1000..<2000)
        // The tool call is known at about 2400, the turn is over at 2900.
        scene.run(until: 2880)
        #expect(scene.model.requests.count == 1)
        scene.run(until: 7000)
        #expect(scene.model.requests.count == 2)
        let calls = [ToolCall(id: "call_1", name: "create_task", arguments: #"{"title":"milk"}"#)]
        #expect(
            scene.lastMessages.dropFirst() == [
                .caller("add milk"), .toolCalls(calls),
                .toolResult(id: "call_1", content: #"{"created":"milk"}"#),
            ])
        // The filler, and right behind it or after it the answer.
        #expect(scene.voice.spoken == ["Wait.", "Milk is on your list."])
        #expect((2980...3020).contains(try #require(caller.heard.first).lowerBound))
        #expect(
            scene.session?.messages.last == .agent("Wait.Milk is on your list."))
    }

    /// The caller asks for a task that takes 3 s, and for something else after one.
    private func hastyCall(keepsLate: Bool) throws -> [ChatMessage] {
        let scene = try Scene(
            hears: ["add milk", "who are you", "thanks"],
            says: [#"!create_task {"title":"milk"}"#, "Your agent.", "You are welcome."],
            tasksTake: .seconds(3)
        ) {
            $0.greeting = ""
            $0.toolFiller = ""
            $0.storeWait = .seconds(6)
            $0.keepsLateResults = keepsLate
        }
        let caller = scene.call(known)
        caller.speak(1000..<2000)
        caller.speak(3500..<4500)
        caller.speak(8000..<9000)
        scene.run(until: 12_000)
        return Array(scene.lastMessages.dropFirst())
    }

    @Test func whatAToolDidStandsWhereItWasAskedThoughTheCallerHasGoneOn() throws {
        let calls = [ToolCall(id: "call_1", name: "create_task", arguments: #"{"title":"milk"}"#)]
        let messages = try hastyCall(keepsLate: true)
        #expect(
            messages.prefix(4) == [
                .caller("add milk"), .toolCalls(calls),
                .toolResult(id: "call_1", content: #"{"created":"milk"}"#), .caller("who are you"),
            ])
        #expect(messages.last == .caller("thanks"))
    }

    @Test func withLateResultsOffItIsForgotten() throws {
        let messages = try hastyCall(keepsLate: false)
        #expect(messages.prefix(2) == [.caller("add milk"), .caller("who are you")])
    }

    @Test func placesInTheHistoryStayWhenOldMessagesLeave() {
        var conversation = Conversation(
            instructions: "", limit: 4, earlier: [.caller("before"), .agent("long ago")])
        conversation.heardCaller("add milk")
        let place = conversation.end
        conversation.heardCaller("and now")
        conversation.heardCaller("go on")
        let calls = [ToolCall(id: "1", name: "create_task", arguments: "{}")]
        let result = ChatMessage.toolResult(id: "1", content: "{}")
        conversation.calledTools(calls, results: [result], at: place)
        // The limit leaves four; a result without its call would be an error to the model.
        #expect(
            conversation.messages == [
                .toolCalls(calls), result, .caller("and now"), .caller("go on"),
            ])
        // That place has left.
        conversation.calledTools(calls, results: [result], at: 0)
        #expect(conversation.messages.count == 4)
    }

    // MARK: Failures

    @Test func aModelThatFailsIsAskedAgainAndThenExcused() throws {
        let scene = try Scene(hears: ["add milk"], says: ["", "All is well."]) { $0.greeting = "" }
        scene.model.failures = 1
        let caller = scene.call(known)
        caller.speak(1000..<2000)
        scene.run(until: 6000)
        #expect(scene.model.requests.count == 2)
        #expect(scene.session?.messages.last == .agent("All is well."))
        #expect(caller.heard.count == 1)

        let worse = try Scene(hears: ["add milk"], says: ["All is well."]) {
            $0.greeting = ""
            $0.answerPatience = .zero
        }
        worse.model.failures = 9
        let other = worse.call(known)
        other.speak(1000..<2000)
        worse.run(until: 6000)
        // Once, and twice more after pauses.
        #expect(worse.model.requests.count == 3)
        #expect(worse.session?.messages.last == .agent("Sorry about that."))
    }

    @Test func aVoiceThatFailsIsAskedOnceMore() throws {
        let scene = try Scene(hears: ["add milk"], says: ["All is well now."]) { $0.greeting = "" }
        scene.voice.failures = 1
        let caller = scene.call(known)
        caller.speak(1000..<2000)
        scene.run(until: 6000)
        #expect(scene.voice.spoken == ["All is well now.", "All is well now."])
        #expect(caller.heard.count == 1)
        #expect(scene.session?.messages.last == .agent("All is well now."))
    }

    @Test func aRecogniserThatFailsIsOpenedAgainAndHearsWhatWasSaidMeanwhile() throws {
        let scene = try Scene(hears: ["add milk"]) { $0.greeting = "" }
        scene.recogniser.failures = 3
        let caller = scene.call(known)
        caller.speak(300..<1000)
        scene.run(until: 5000)
        #expect(scene.recogniser.streams.count == 4)
        #expect(scene.session?.messages.first == .caller("add milk"))
        #expect(caller.heard.count == 1)
    }

    @Test func aCallerThatReturnsNoMarksIsHeardOutAllTheSame() throws {
        let scene = try Scene(hears: ["one", "two"], says: ["First.", "Second."]) {
            $0.greeting = ""
        }
        let caller = scene.call(known)
        caller.returnsMarks = false
        caller.speak(1000..<2000)
        caller.speak(5000..<6000)
        scene.run(until: 9000)
        #expect(caller.clears == [])
        #expect(
            scene.session?.messages == [
                .caller("one"), .agent("First."), .caller("two"), .agent("Second."),
            ])
    }

    // MARK: Sessions

    @Test func aCallThatBrokeIsResumed() throws {
        let scene = try Scene(hears: ["add milk", "and now"], says: ["Done.", "We go on."])
        let first = scene.call(known)
        first.speak(1000..<2000)
        scene.run(until: 5000)
        first.cut()
        scene.run(until: 5100)
        let second = scene.call(known)
        second.speak(2000..<3000)
        scene.run(until: 10_000)
        #expect(scene.voice.spoken.prefix(3) == ["Hello.", "Done.", "I am back."])
        #expect(
            scene.lastMessages.dropFirst() == [
                .agent("Hello."), .caller("add milk"), .agent("Done."), .agent("I am back."),
                .caller("and now"),
            ])
    }

    @Test func aCallThatEndedInOrderLeavesNoSession() throws {
        let scene = try Scene(hears: ["add milk"])
        let caller = scene.call(known)
        caller.speak(1000..<2000)
        scene.run(until: 5000)
        #expect(scene.session != nil)
        caller.hangUp()
        scene.run(until: 5100)
        #expect(scene.session == nil)
        #expect(caller.closeCode == .normal)
        #expect(scene.server.activeCalls == 0)
    }

    @Test func aStoreThatFailsHoldsNothingUp() throws {
        let scene = try Scene(hears: ["add milk"])
        scene.sessions.failure = .timedOut
        let caller = scene.call(known)
        caller.speak(1000..<2000)
        scene.run(until: 5000)
        #expect(caller.heard.count == 2)
        let page = String(decoding: scene.server.metrics.text(), as: UTF8.self)
        #expect(page.contains(#"errors_total{error_type="timeout",component="store"} "#))
    }

    // MARK: The server

    @Test func callsBeyondTheMostAreRefused() throws {
        let scene = try Scene { $0.maximumCalls = 1 }
        let first = scene.call()
        scene.run(until: 100)
        let second = scene.call()
        let lost = scene.call(path: "/elsewhere")
        scene.run(until: 200)
        #expect(first.answered != nil)
        #expect(second.refusal == 503)
        #expect(lost.refusal == 404)
        first.hangUp()
        scene.run(until: 300)
        let third = scene.call()
        scene.run(until: 400)
        #expect(third.answered != nil)
    }

    @Test func drainingWaitsForTheLastCall() throws {
        let scene = try Scene { $0.maximumCalls = 2 }
        let first = scene.call()
        scene.run(until: 100)
        var isDrained = false
        scene.server.drain { isDrained = true }
        let late = scene.call()
        scene.run(until: 200)
        #expect(late.refusal == 503)
        #expect(!isDrained)
        first.hangUp()
        scene.run(until: 300)
        #expect(isDrained)
    }

    @Test func anEchoPlaysTheUtteranceBack() throws {
        let scene = try Scene { $0.echoes = true }
        let caller = scene.call()
        caller.speak(1000..<2000)
        caller.speak(5000..<5500)
        scene.run(until: 8000)
        #expect(caller.heard.count == 2)
        let first = try #require(caller.heard.first)
        #expect((2260...2320).contains(first.lowerBound), "\(first)")
        #expect((980...1140).contains(first.upperBound - first.lowerBound), "\(first)")
        #expect(scene.recogniser.streams.isEmpty)
    }
}
