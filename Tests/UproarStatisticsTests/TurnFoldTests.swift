import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct TurnFoldTests {
    /// One good turn: the caller speaks 1000–2000 ms, the reply is heard at 2450–3500 ms.
    private func goodCall() -> FactScript {
        var script = FactScript()
        script.dial()
        script.hear(300, to: 900)
        script.speak(1, from: 1000, to: 2000, lateness: 0.4)
        script.providers(1, end: 2000)
        script.answer(1, from: 2450, to: 3500)
        script.end(4000)
        return script
    }

    @Test func aGoodTurnHasEveryNumber() throws {
        let call = goodCall().fold()
        let turn = try #require(call.turns.first)
        #expect(turn.outcome == .answered)
        #expect(turn.marks == [])
        #expect(turn.voiceToVoice == .exact(.ms(450)))
        #expect(turn.voiceToVoiceActual == .exact(.ms(449.6)))
        #expect(turn.voiceToVoiceWire == .ms(450))
        #expect(turn.voiceToAnswer == .exact(.ms(450)))
        #expect(
            turn.stages == [.ms(5), .ms(60), .ms(5), .ms(0), .ms(250), .ms(20), .ms(80), .ms(30)])
        #expect(turn.share(of: .provider) == .ms(390))
        #expect(turn.share(of: .agent) == .ms(55))
        #expect(turn.deadAir == .exact(.ms(450)))
        #expect(turn.speechToText == .deepgram && turn.languageModel == .openai)
        #expect(call.greeting == .ms(280))
        #expect(call.setup == .ms(20))
    }

    @Test(arguments: 0..<40)
    func stagesAddUpWhateverTheTimes(_ seed: Int) throws {
        var random = Seed(UInt64(seed)).stream("stages")
        func when() -> Double { 1500 + Double(random.below(2_000_000)) / 1000 }
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.state(.speechEnded, when(), utterance: 1, from: .provider(.deepgram))
        script.state(.finalSent, when(), utterance: 1, from: .provider(.deepgram))
        for reply: UInt32 in 1...3 {
            script.state(
                .modelRequested, when(), utterance: 1, reply: reply, from: .provider(.openai))
        }
        script.state(.modelFirstContent, when(), utterance: 1, reply: 2, from: .provider(.openai))
        script.state(.voiceTextReceived, when(), utterance: 1, reply: 2, from: .provider(.cartesia))
        script.state(.voiceFirstAudio, when(), utterance: 1, reply: 2, from: .provider(.cartesia))
        script.answer(1, reply: 2, from: 3600, to: 4000)
        script.end(5000)
        let turn = try #require(script.fold().turns.first)
        let sum = try turn.stages.reduce(Duration.zero) { try $0 + #require($1) }
        #expect(turn.voiceToAnswer == .exact(sum))
    }

    @Test func theOrderOfArrivalDoesNotMatter() {
        let script = goodCall()
        let expected = script.fold()
        var random = Seed(1).stream("order")
        for _ in 0..<20 {
            var shuffled = script
            shuffled.facts.shuffle(using: &random)
            #expect(shuffled.fold() == expected)
        }
    }

    @Test func aMissingFactIsNoSampleAndNeverZero() throws {
        var script = goodCall()
        script.facts.removeAll { $0.kind == FactKind.finalSent.rawValue }
        let turn = try #require(script.fold().turns.first)
        #expect(turn[.speechToText] == nil && turn[.endpointing] == nil)
        #expect(turn[.uplink] == .ms(5) && turn[.languageModel] == .ms(250))
        #expect(turn.share(of: .agent) == nil)
        #expect(turn.voiceToAnswer == .exact(.ms(450)))
    }

    @Test func aSpeculativeRequestMakesEndpointingNegative() throws {
        var script = goodCall()
        script.state(
            .modelRequested, 1900, utterance: 1, reply: 2, from: .provider(.openai))
        let turn = try #require(script.fold().turns.first)
        #expect(turn[.endpointing] == .ms(-165))
        #expect(turn[.tools] == .ms(170))
    }

    @Test func aFillerCountsForVoiceAndNotForTheAnswer() throws {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.hear(2300, to: 2600)
        script.answer(1, from: 3400, to: 5000)
        script.end(6000)
        let turn = try #require(script.fold().turns.first)
        #expect(turn.voiceToVoice == .exact(.ms(300)))
        #expect(turn.voiceToAnswer == .exact(.ms(1400)))
        #expect(turn.deadAir == .exact(.ms(800)))
    }

    @Test func talkOverIsNegativeAndCounted() throws {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.answer(1, from: 1700, to: 3000)
        script.state(.spokenOver, 1700)
        script.end(4000)
        let turn = try #require(script.fold().turns.first)
        #expect(turn.voiceToVoice == .exact(.ms(-300)))
        #expect(turn.marks == .talkedOver)
        #expect(turn.mispredictions == 1)
        #expect(turn.deadAir == nil)
    }

    @Test func aTimedOutTurnIsACensoredSample() throws {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.state(.turnTimedOut, 12_000, utterance: 1, value: 10_000_000_000)
        script.end(12_100, .abandoned)
        let turn = try #require(script.fold().turns.first)
        #expect(turn.outcome == .lost)
        #expect(turn.voiceToVoice == .atLeast(.seconds(10)))
        #expect(turn.voiceToAnswer == .atLeast(.seconds(10)))
        #expect(turn.deadAir == .atLeast(.seconds(10)))
        #expect(turn.marks == .deadAir)
    }

    @Test func anAnswerAfterPatienceIsLateAndStaleWhenTheCallerWentOn() throws {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.state(.turnTimedOut, 12_000, utterance: 1)
        script.speak(2, from: 12_500, to: 13_000)
        script.hear(13_300, to: 14_000)
        script.state(.answerAudible, 13_300, utterance: 1, reply: 1)
        script.state(.answerFinished, 14_000, utterance: 1, reply: 1)
        script.answer(2, from: 14_300, to: 15_000)
        script.end(16_000)
        let turns = script.fold().turns
        #expect(turns[0].outcome == .late)
        #expect(turns[0].marks == [.stale, .deadAir])
        #expect(turns[0].voiceToVoice == .atLeast(.seconds(10)))
        #expect(turns[1].outcome == .answered)
        #expect(turns[1].voiceToAnswer == .exact(.ms(1300)))
    }

    @Test func twoRepliesToOneUtteranceAreADuplicate() {
        var script = goodCall()
        script.facts.removeAll { $0.kind == FactKind.callEnded.rawValue }
        script.answer(1, reply: 2, from: 3600, to: 3900)
        script.end(5000)
        #expect(script.fold().turns[0].marks == .duplicated)
    }

    @Test func aReplyAfterAToolResultIsNoDuplicate() {
        var script = goodCall()
        script.state(
            .modelRequested, 3000, utterance: 1, reply: 2, detail: 1, from: .provider(.openai))
        script.answer(1, reply: 2, from: 3600, to: 3900)
        #expect(script.fold().turns[0].marks == [])
    }

    @Test func aReplyWithoutItsTailIsTruncated() {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.hear(2450, to: 3000)
        script.state(.answerAudible, 2450, utterance: 1, reply: 1)
        script.end(4000)
        #expect(script.fold().turns[0].marks == .truncated)
        // Heard for as long as was spoken into it: the tag was lost, not the words.
        script.state(
            .voiceFinished, 2900, utterance: 1, reply: 1, value: 600_000_000,
            from: .provider(.cartesia))
        #expect(script.fold().turns[0].marks == [])
    }

    @Test func halfAnAnswerThatIsSpokenForTheWholeIsTruncatedUnlessAnotherEndsIt() {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.hear(2450, to: 3000)
        script.state(.modelFirstContent, 2300, utterance: 1, reply: 1, from: .provider(.openai))
        script.state(.answerAudible, 2450, utterance: 1, reply: 1)
        script.state(
            .voiceFinished, 2900, utterance: 1, reply: 1, value: 550_000_000,
            from: .provider(.cartesia))
        var whole = script
        var ended = script
        script.state(.modelCancelled, 2500, utterance: 1, reply: 1, from: .provider(.openai))
        script.end(4000)
        #expect(script.fold().turns[0].marks == .truncated)
        whole.state(.modelFinished, 2500, utterance: 1, reply: 1, from: .provider(.openai))
        whole.end(4000)
        #expect(whole.fold().turns[0].marks == [])
        ended.state(.answerFinished, 2990, utterance: 1, reply: 2)
        ended.end(4000)
        #expect(ended.fold().turns[0].marks == [])
    }

    @Test func aReplyTheCallerCutIsInterruptedNotTruncated() {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.hear(2450, to: 3000)
        script.state(.answerAudible, 2450, utterance: 1, reply: 1)
        script.state(.answerInterrupted, 2900, utterance: 1, reply: 1)
        script.end(4000)
        #expect(script.fold().turns[0].marks == .interrupted)
    }

    @Test func hangingUpInAReplyTruncatesNothingButADropDoes() {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.hear(2450, to: nil)
        script.state(.answerAudible, 2450, utterance: 1, reply: 1)
        var dropped = script
        script.end(2600, .completed)
        dropped.end(2600, .dropped)
        #expect(script.fold().turns[0].marks == [])
        #expect(dropped.fold().turns[0].marks == .truncated)
    }

    /// The run hangs up (a drain that ran out, a second Ctrl-C) between two sentences: that is no fault of the agent's. Silence that was
    /// longer than any such pause is.
    @Test func whatTheRunItselfCutIsNotTruncated() {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.hear(2450, to: 3000)
        script.state(.answerAudible, 2450, utterance: 1, reply: 1)
        script.state(.modelFirstContent, 2300, utterance: 1, reply: 1, from: .provider(.openai))
        // Under way still.
        #expect(script.fold().turns[0].marks == [])
        var late = script
        script.end(4000, .cutByRun)
        late.end(5100, .cutByRun)
        #expect(script.fold().turns[0].marks == [])
        #expect(late.fold().turns[0].marks == .truncated)
        // An earlier reply was over, however the call ended.
        var earlier = script
        earlier.speak(2, from: 3100, to: 3500)
        earlier.answer(2, from: 3700, to: 3900)
        #expect(earlier.fold().turns[0].marks == .truncated)
    }

    @Test func anotherCallsReplyIsCrossTalk() {
        var script = goodCall()
        script.state(.answerAudible, 2500, utterance: 3, reply: 1, of: 99)
        let call = script.fold()
        #expect(call.turns[0].marks == .crossTalked)
        #expect(call.crossTalkCount == 1)
        #expect(call.turns[0].outcome == .answered)
    }

    @Test func withoutTagsTheVoiceIsTheAnswerAndTheRestIsUnknown() throws {
        var script = goodCall()
        script.facts.removeAll {
            [FactKind.answerAudible, .answerFinished].map(\.rawValue).contains($0.kind)
        }
        let turn = try #require(script.fold(isTagged: false).turns.first)
        #expect(turn.outcome == .answered)
        #expect(turn.voiceToVoice == .exact(.ms(450)))
        #expect(turn.voiceToAnswer == nil && turn.reply == nil)
        #expect(turn.marks == [])
    }

    @Test func theRestOfAnEarlierReplyIsNotAnOnset() throws {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.hear(2400, to: 3000)
        script.state(.answerAudible, 2400, utterance: 1, reply: 1)
        // The caller took a pause in the reply for its end; the reply goes on over the next utterance.
        script.speak(2, from: 3200, to: 4000)
        script.hear(3500, to: 4200)
        script.state(.answerFinished, 4200, utterance: 1, reply: 1)
        script.answer(2, from: 4700, to: 5000)
        script.end(6000)
        let turns = script.fold().turns
        #expect(turns[1].voiceToVoice == .exact(.ms(700)))
        #expect(turns[1].marks == .talkedOver)
        #expect(turns[0].marks == [])
    }

    @Test(arguments: [
        (CallOutcome.dropped, TurnOutcome.lost), (.abandoned, .lost), (.completed, .open),
        (.cutByRun, .open),
    ])
    func anUnansweredLastTurn(_ end: CallOutcome, _ expected: TurnOutcome) {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.end(2500, end)
        let turn = script.fold().turns[0]
        #expect(turn.outcome == expected)
        #expect((turn.voiceToVoice == nil) == (expected == .open))
    }

    @Test func retriesLeaveNoTraceInTheStages() throws {
        var script = goodCall()
        // The same reply was asked for once before in vain, and another one was cancelled.
        script.state(.modelRequested, 2066, utterance: 1, reply: 1, from: .provider(.openai))
        script.state(.modelRequested, 2067, utterance: 1, reply: 2, from: .provider(.openai))
        script.state(.modelFirstContent, 2600, utterance: 1, reply: 2, from: .provider(.openai))
        let turn = try #require(script.fold().turns.first)
        #expect(turn[.languageModel] == .ms(250))
        #expect(turn[.tools] == .ms(4))
        #expect(turn[.endpointing] == .ms(1))
    }

    @Test func goodTurnsKeepEveryLimit() throws {
        let turn = try #require(goodCall().fold().turns.first)
        #expect(turn.isGood([]))
        #expect(turn.isGood([.init(metric: "voice_to_voice", below: .ms(500))]))
        #expect(!turn.isGood([.init(metric: "voice_to_voice", below: .ms(450))]))
        #expect(!turn.isGood([.init(metric: "stt", below: .ms(60))]))
    }

    /// Two answered turns; with the second question the model is sent what the agent takes for said in the first.
    private func drift(
        held: [(utterance: UInt32, reply: UInt32, part: HeldPart)], hearsEnd: Bool = true
    ) throws -> [TurnMarks] {
        var script = goodCall()
        if !hearsEnd {
            script.facts.removeAll { $0.kind == FactKind.answerFinished.rawValue }
            script.state(
                .voiceFinished, 2500, utterance: 1, reply: 1, value: 2_000_000_000,
                from: .provider(.cartesia))
        }
        script.speak(2, from: 5000, to: 6000)
        script.providers(2, end: 6000)
        script.answer(2, from: 6450, to: 7500)
        let asked = TurnReference(call: 7, utterance: 2, reply: 1)
        for entry in held {
            script.state(
                .historyHeld, 6070, utterance: entry.utterance, reply: entry.reply,
                value: Int64(asked.rawValue), detail: entry.part.rawValue, from: .provider(.openai))
        }
        script.facts.removeAll { $0.kind == FactKind.callEnded.rawValue }
        script.end(9000)
        return script.fold().turns.map { $0.marks.intersection(.drifted) }
    }

    @Test func aHistoryThatSaysWhatWasHeardHasNotDrifted() throws {
        #expect(try drift(held: [(1, 1, [.beginning, .end])]) == [[], []])
        #expect(try drift(held: [(1, 1, .beginning)], hearsEnd: false) == [[], []])
        // Where no request holds a reply, the agent keeps its history elsewhere.
        #expect(try drift(held: []) == [[], []])
    }

    @Test func whatWasKeptAndNeverHeardIsDrift() throws {
        #expect(
            try drift(held: [(1, 1, [.beginning, .end]), (1, 2, .beginning)]) == [.drifted, []])
        #expect(try drift(held: [(1, 1, [.beginning, .end])], hearsEnd: false) == [.drifted, []])
    }

    /// A tool is called in the first turn, which nobody hears an answer to; the second turn is asked about at 6070, a third much later.
    private func lateResult(
        isHeld: Bool = false, isNamed: Bool = true, isFollowed: Bool = false, asksLater: Bool = true
    ) throws -> Bool? {
        let llm = FactOrigin.provider(.openai)
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.state(.nothingOwed, 1000, utterance: 1)
        script.state(.modelRequested, 2100, utterance: 1, reply: 1, from: llm)
        script.state(
            .modelToolCalled, 2400, utterance: 1, reply: 1, value: isNamed ? 1 : 0, from: llm)
        if isFollowed {
            script.state(.modelRequested, 2500, utterance: 1, reply: 2, detail: 1, from: llm)
        }
        script.speak(2, from: 5000, to: 6000)
        script.providers(2, end: 6000)
        script.answer(2, from: 6450, to: 7500)
        if asksLater {
            script.speak(3, from: 15_000, to: 16_000)
            script.providers(3, end: 16_000)
            script.answer(3, from: 16_450, to: 17_500)
        }
        if isHeld {
            script.state(
                .toolResultHeld, 16_070, utterance: 1, reply: 1,
                value: Int64(TurnReference(call: 7, utterance: 3, reply: 1).rawValue), from: llm)
        }
        script.end(20_000)
        return try #require(script.fold().turns.first).isToolResultKept
    }

    @Test func aToolsResultIsKeptWhenALaterQuestionHoldsIt() throws {
        #expect(try lateResult(isHeld: true) == true)
        #expect(try lateResult() == false)
    }

    @Test func ofAToolWhoseResultWasWaitedForOrCannotBeToldNothingIsSaid() throws {
        #expect(try lateResult(isFollowed: true) == nil)
        #expect(try lateResult(isNamed: false) == nil)
        // The next question came too soon for a slow tool, and there is no other.
        #expect(try lateResult(asksLater: false) == nil)
    }

    @Test func whatWasHeardAndNotKeptIsDrift() throws {
        // All it has is an answer to something else, which nobody said.
        #expect(try drift(held: [(9, 1, [.beginning, .end])]) == [.drifted, []])
    }
}
