import Testing
import UproarCore
import UproarRuntime
import UproarSimulation

@testable import UproarAgent

/// Calls whose first providers fail, in virtual time: two of each role, and a caller who must not notice more than he has to.
@Suite struct FailoverTests {
    private final class Scene {
        let world = SimulatedWorld()
        let recognisers: [ScriptedRecogniser]
        let models: [ScriptedModel]
        let voices: [ScriptedVoice]
        let sessions: MemorySessions
        let server: AgentServer
        let endpoint: Endpoint

        init(
            hears: [String], says: [String], _ change: (inout AgentSettings) -> Void = { _ in }
        ) throws {
            let loop = world.loop
            recognisers = (0..<2).map { _ in ScriptedRecogniser(hears, loop: loop) }
            models = (0..<2).map { _ in ScriptedModel(says, loop: loop) }
            voices = [ScriptedVoice(loop: loop), ScriptedVoice(loop: loop, sound: 0xa0)]
            sessions = MemorySessions(loop: loop)
            var settings = AgentSettings()
            settings.greeting = ""
            settings.apology = "Sorry about that."
            settings.preparesPhrases = false
            settings.failback = false
            change(&settings)
            var parts = AgentParts(loop: loop, network: world.network)
            parts.recognisers = zip(["first", "second"], recognisers).map { ($0, $1) }
            parts.models = zip(["big", "small"], models).map { ModelCandidate($1, model: $0) }
            parts.voices = zip(["one", "two"], voices).map {
                ($0, VoiceCandidate($1, voice: $0 + "-voice"))
            }
            parts.sessions = sessions
            server = AgentServer(settings, parts: parts)
            endpoint = try server.start()
        }

        func call() -> ScriptedCaller {
            ScriptedCaller(
                to: endpoint, parameters: ["session_id": "s", "user_id": "u"],
                loop: world.loop, network: world.network)
        }

        func run(until milliseconds: Int64) {
            world.loop.run(until: Instant(nanoseconds: milliseconds * 1_000_000))
        }

        var session: SessionRecord? { sessions.values["voice:session:s"].flatMap { .init($0) } }

        func metric(_ metric: AgentMetric, _ labels: [String]) -> Double {
            server.metrics.value(metric, labels)
        }
    }

    // MARK: Recognisers

    @Test func aRecogniserThatRefusesIsReplacedAtOnce() throws {
        let scene = try Scene(hears: ["add milk"], says: ["All is well."])
        scene.recognisers[0].failures = 99
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 5000)
        #expect(scene.session?.messages == [.caller("add milk"), .agent("All is well.")])
        #expect(try #require(caller.heard.first).lowerBound < 2700)
        #expect(scene.metric(.sttFailover, ["first", "second"]) == 1)
    }

    @Test func aMuteRecognisersUtteranceIsHeardAgainByTheNext() throws {
        let scene = try Scene(hears: ["add milk"], says: ["All is well."])
        scene.recognisers[0].isMute = true
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 6000)
        #expect(scene.session?.messages == [.caller("add milk"), .agent("All is well.")])
        #expect(scene.models[0].requests.count == 1)
        // 200 ms of silence, 800 ms without a final result, then the second one's way.
        let answer = try #require(caller.heard.first)
        #expect((3300...3700).contains(answer.lowerBound), "\(answer)")
        // The second has heard the utterance from its beginning: a second of it, and the silence around it.
        #expect(scene.recognisers[1].streams[0].heard > 9000)
    }

    @Test func aRecogniserSilentWhileTheCallerSpeaksIsReplacedBeforeHeHasFinished() throws {
        let scene = try Scene(hears: ["a long story"], says: ["All is well."])
        scene.recognisers[0].isMute = true
        let caller = scene.call()
        caller.speak(1000..<5000)
        scene.run(until: 4000)
        #expect(scene.recognisers[1].streams.count == 1)
        scene.run(until: 9000)
        #expect(scene.session?.messages.first == .caller("a long story"))
        #expect(try #require(caller.heard.first).lowerBound < 5700)
    }

    @Test func anUtteranceWithoutWordsIsHeardByAnotherBeforeItIsForgotten() throws {
        let scene = try Scene(hears: ["add milk"], says: ["All is well."])
        scene.recognisers[0].isEmpty = true
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 6000)
        #expect(scene.session?.messages == [.caller("add milk"), .agent("All is well.")])
        #expect(scene.metric(.transcriptionErrors, ["first", "empty"]) == 1)

        // Where nobody finds words there were none, and nobody is blamed.
        let noise = try Scene(hears: ["add milk"], says: ["All is well."])
        noise.recognisers[0].isEmpty = true
        noise.recognisers[1].isEmpty = true
        let other = noise.call()
        other.speak(1000..<2000)
        noise.run(until: 8000)
        #expect(noise.models[0].requests.isEmpty)
        #expect(noise.metric(.transcriptionErrors, ["first", "empty"]) == 0)
    }

    @Test func noiseBehindWordsCastsNoDoubtOnWhoHeardThem() throws {
        let scene = try Scene(hears: ["add milk"], says: ["All is well."])
        let caller = scene.call()
        caller.speak(1000..<2000)
        // Voice to the detector, nothing to the recogniser, before the turn is over: an empty result follows the words.
        caller.speak(2220..<3000)
        scene.run(until: 7000)
        #expect(scene.recognisers[1].streams.isEmpty)
        #expect(scene.metric(.transcriptionErrors, ["first", "empty"]) == 0)
        #expect(scene.session?.messages == [.caller("add milk"), .agent("All is well.")])
    }

    @Test func aRecogniserIsProbedWithAnUtteranceAndComesBackOnlyThen() throws {
        let scene = try Scene(hears: ["one", "two", "three"], says: ["Fine."]) {
            $0.failback = true
        }
        scene.recognisers[0].failures = 1
        let caller = scene.call()
        for start in [1000, 5000, 9000] as [Int64] { caller.speak(start..<start + 1000) }
        scene.run(until: 13_000)
        #expect(
            scene.session?.messages.filter { if case .caller = $0 { true } else { false } }.count
                == 3)
        #expect(scene.metric(.probes, ["stt", "first", "succeeded"]) == 1)
        #expect(scene.metric(.failback, ["stt", "second", "first"]) == 1)
        // The refused one, the probe, and the one that came back.
        #expect(scene.recognisers[0].streams.count == 3)
        #expect(scene.models[0].requests.count { $0.messages.count > 2 } == 2)
    }

    // MARK: Models

    @Test func aModelThatSaysNothingIsReplacedWithinItsDeadline() throws {
        let scene = try Scene(hears: ["add milk"], says: ["All is well."])
        scene.models[0].stallsAfter = 0
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 6000)
        #expect(scene.session?.messages == [.caller("add milk"), .agent("All is well.")])
        #expect(caller.heard.count == 1)
        #expect(try #require(caller.heard.first).lowerBound < 3600)
        #expect(scene.metric(.llmFailover, ["big", "small"]) == 1)
        #expect(scene.models[0].cancelled == 1)
    }

    @Test func anAnswerThatBreaksOffIsTakenUpWhereItStopped() throws {
        let scene = try Scene(
            hears: ["add milk"], says: ["I have added milk, and you have two tasks left."])
        scene.models[0].stallsAfter = 6
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 9000)
        #expect(
            scene.voices[0].spoken == ["I have added milk,", " and you have two tasks left."])
        #expect(
            scene.session?.messages.last
                == .agent("I have added milk, and you have two tasks left."))
        let spoken = caller.heard.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
        #expect(spoken == 10 * 200)
    }

    @Test func aKeyThatIsRefusedMovesOnAndIsReported() throws {
        let scene = try Scene(hears: ["one", "two"], says: ["Fine."])
        scene.models[0].failures = 99
        scene.models[0].refusal = .refused(status: 401, body: "", retryAfter: nil)
        let caller = scene.call()
        caller.speak(1000..<2000)
        caller.speak(5000..<6000)
        scene.run(until: 9000)
        #expect(scene.session?.messages.count == 4)
        // Asked once, never again: the breaker is open.
        #expect(scene.models[0].requests.count == 1)
        #expect(scene.metric(.authFailures, ["llm", "big"]) == 1)
        #expect(scene.metric(.breakerState, ["llm", "big"]) == 2)
    }

    @Test func aModelThatAsksForPatienceGetsIt() throws {
        let scene = try Scene(hears: ["one", "two", "three"], says: ["Fine."])
        scene.models[0].failures = 1
        scene.models[0].refusal = .refused(status: 429, body: "", retryAfter: .seconds(6))
        let caller = scene.call()
        for start in [1000, 4500, 9500] as [Int64] { caller.speak(start..<start + 1000) }
        scene.run(until: 13_000)
        // The second turn goes to the other one; so does the third, for nobody has proven that the first works.
        #expect(scene.models[0].requests.count == 1)
        #expect(scene.models[1].requests.count == 3)
    }

    @Test func whereNobodyElseIsLeftAnAnswerIsWaitedForAndTheCallerIsTold() throws {
        let scene = try Scene(hears: ["one", "two"], says: ["Fine."]) {
            $0.preparesPhrases = true
        }
        for model in scene.models {
            // As long as both say "in a second", for four seconds.
            model.failures = 4
            model.refusal = .refused(status: 429, body: "", retryAfter: .seconds(1))
        }
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 12_000)
        #expect(scene.session?.messages.last == .agent("Fine."))
        #expect(caller.heard.count >= 1)
        #expect(scene.metric(.silence, []) == 0)
        // Not asked before the second is over.
        let asked = scene.models[0].askedAt
        #expect(zip(asked, asked.dropFirst()).allSatisfy { $1 - $0 >= .seconds(1) })
    }

    @Test func whoAsksWhileAllHopeIsLostIsToldAtOnce() throws {
        let scene = try Scene(hears: ["one", "two"], says: ["Fine."]) { $0.degrades = false }
        for model in scene.models {
            model.failures = 99
            model.refusal = .refused(status: 401, body: "", retryAfter: nil)
        }
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 5000)
        #expect(scene.session?.messages.last == .agent("Sorry about that."))
    }

    @Test func modelsComeBackByAProbeThatCostsNoTurn() throws {
        let scene = try Scene(hears: ["one", "two"], says: ["Fine."]) { $0.failback = true }
        scene.models[0].failures = 1
        let caller = scene.call()
        caller.speak(1000..<2000)
        caller.speak(6000..<7000)
        scene.run(until: 10_000)
        #expect(scene.models[1].requests.count == 1)
        // The failure, the probe, the second turn.
        #expect(scene.models[0].requests.count == 3)
        #expect(scene.models[0].requests[1].messages.last == .caller("Are you there?"))
        #expect(scene.session?.messages.count == 4)
    }

    @Test func withFailoverOffTheFirstIsAskedAgainAndAgain() throws {
        let scene = try Scene(hears: ["one"], says: ["Fine."]) { $0.failover = false }
        scene.models[0].failures = 99
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 6000)
        #expect(scene.models[1].requests.isEmpty)
        #expect(scene.session?.messages.last == .agent("Sorry about that."))
    }

    // MARK: Voices

    @Test func aVoiceThatSaysNothingIsReplaced() throws {
        let scene = try Scene(hears: ["add milk"], says: ["All is well now."])
        scene.voices[0].stallsAfter = 0
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 7000)
        #expect(scene.voices[1].spoken == ["All is well now."])
        #expect(scene.session?.messages.last == .agent("All is well now."))
        #expect(scene.metric(.ttsFailover, ["one", "two"]) == 1)
        #expect(try #require(caller.heard.first).lowerBound < 3500)
    }

    /// It stalls, or says that it has finished: a success whose audio is shorter than its own word times.
    @Test(arguments: [false, true])
    func whatAVoiceHasSaidIsNotSaidAgainByTheNext(endsShort: Bool) throws {
        let scene = try Scene(
            hears: ["add milk"], says: ["I have added milk and bread to your list."])
        scene.voices[0].stallsAfter = 5
        scene.voices[0].endsShort = endsShort
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 9000)
        #expect(scene.voices[1].spoken == ["bread to your list."])
        let spoken = caller.heard.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
        #expect(spoken == 9 * 200)
        #expect(scene.metric(.ttsFailover, ["one", "two"]) == 1)
        #expect(
            scene.session?.messages.last == .agent("I have added milk and bread to your list."))
    }

    @Test func theSilenceIsNeverPlainForThreeSeconds() throws {
        let scene = try Scene(hears: ["add milk"], says: ["All is well."]) {
            $0.firstTokenDeadline = .seconds(9)
        }
        scene.models[0].firstToken = .seconds(8)
        let caller = scene.call()
        caller.speak(1000..<2000)
        scene.run(until: 14_000)
        var last: Int64 = 2000
        for sound in caller.heard {
            #expect(sound.lowerBound - last < 3000, "\(caller.heard)")
            last = sound.upperBound
        }
        #expect(caller.heard.count >= 4)
        #expect(scene.session?.messages.last == .agent("All is well."))
    }
}
