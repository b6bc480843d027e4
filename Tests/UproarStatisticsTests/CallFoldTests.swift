import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct CallFoldTests {
    @Test func theGuidesWorkedExampleCostsWhatItSays() throws {
        // 30 s of speech-to-text, 150 prompt and 80 completion tokens, 25 s of voice.
        var script = FactScript()
        script.dial()
        script.state(
            .speechToTextUsage, 20_000, utterance: 1, value: 21_000_000_000, detail: 20_000,
            from: .provider(.deepgram))
        script.state(
            .speechToTextUsage, 30_000, utterance: 1, value: 11_000_000_000, detail: 10_000,
            from: .provider(.deepgram))
        script.state(
            .modelFinished, 5_000, utterance: 1, reply: 1, value: 150 << 32 | 80,
            from: .provider(.openai))
        script.state(
            .voiceFinished, 9_000, utterance: 1, reply: 1, value: 25_000_000_000, detail: 400,
            from: .provider(.cartesia))
        script.end(60_020)
        let call = script.fold()
        #expect(abs(try #require(call.cost) - 0.0139205) < 1e-9)
        #expect(call.usage.map(\.provider) == [.deepgram, .openai, .cartesia])
        #expect(call.usage[0].usage.audio == .seconds(30))
        var tally = CostTally()
        tally.add(call)
        #expect(abs(try #require(tally.dollarsPerMinute) - 0.0139205) < 1e-8)
    }

    @Test func withoutUsageTheCostIsUnknown() {
        var script = FactScript()
        script.dial()
        script.end(1000)
        #expect(script.fold().cost == nil)
    }

    @Test func aMissingPriceMakesTheCostUnknownNotZero() {
        var script = FactScript()
        script.dial()
        script.state(
            .voiceFinished, 9_000, utterance: 1, value: 1_000_000_000, detail: 40,
            from: .provider(.elevenlabs))
        script.end(10_000)
        let call = script.fold()
        #expect(call.cost == nil)
        #expect(call.usage.count == 1)
    }

    @Test func aRefusedCallSaysWhy() {
        var script = FactScript()
        script.state(.callDue, 0)
        script.state(.callDialed, 1)
        script.state(.callRefused, 5, detail: 503)
        let call = script.fold()
        #expect(call.outcome == .refused)
        #expect(call.refusal == 503)
        #expect(call.setup == nil)
    }

    @Test func silenceBeforeTheCallerSpeaksIsNoGreeting() {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 500, to: 1000)
        script.hear(700, to: 900)
        script.end(2000)
        #expect(script.fold().greeting == nil)
    }

    /// A call that takes up one in which two answers were heard.
    private func takenUp(isHeard: Bool, isKnown: Bool = true) -> Bool? {
        var script = FactScript()
        script.state(.callResumes, 0, value: 2, detail: 3)
        script.dial()
        if isHeard { script.state(.resumptionHeard, 1500) }
        script.speak(1, from: 2000, to: 3000)
        script.providers(1, end: 3000)
        script.answer(1, from: 3450, to: 4500)
        script.end(5000)
        var settings = FactScript.settings
        settings.knowsResumption = isKnown
        return script.fold(settings: settings).isToldOfResumption
    }

    @Test func whoTakesUpACallIsToldOfItOrNot() {
        #expect(takenUp(isHeard: true) == true)
        #expect(takenUp(isHeard: false) == false)
        // Nobody knows by which words the agent says it.
        #expect(takenUp(isHeard: false, isKnown: false) == nil)
    }

    // MARK: Barge-in. The agent speaks a reply from 2400 ms on; the stimulus begins at 3000 ms.

    private func bargeIn(
        _ kind: BargeInKind, stop: Double?, tail: Double?, resumesAt: Double? = nil
    ) -> BargeInRecord {
        var script = FactScript()
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.hear(2400, to: stop ?? tail)
        script.state(.answerAudible, 2400, utterance: 1, reply: 1)
        script.state(.bargeInBegan, 3000, detail: kind.rawValue)
        if let stop { script.state(.bargeInStopped, stop) }
        if let resumesAt { script.hear(resumesAt, to: tail) }
        if let tail { script.state(.answerFinished, tail, utterance: 1, reply: 1) }
        script.end(20_000)
        return script.fold().bargeIns[0]
    }

    @Test func anInterruptionIsYieldedTo() {
        let record = bargeIn(.interruption, stop: 3300, tail: nil)
        #expect(record.outcome == .yielded)
        #expect(record.stop == .ms(300))
    }

    @Test func yieldingAfterTheLimitIsLate() {
        #expect(bargeIn(.interruption, stop: 4500, tail: nil).outcome == .late)
    }

    @Test func speakingToTheEndIsMissed() {
        let record = bargeIn(.interruption, stop: 6000, tail: 5990)
        #expect(record.outcome == .missed)
        #expect(record.stop == nil)
    }

    @Test func aReplyThatWasNearlyOverProvesNothing() {
        #expect(bargeIn(.interruption, stop: 3200, tail: 3190).outcome == .unjudged)
    }

    @Test func stoppingForANoiseIsFalse() {
        #expect(bargeIn(.noise, stop: 3300, tail: nil).outcome == .false)
        #expect(bargeIn(.backchannel, stop: nil, tail: 6000).outcome == .held)
    }

    @Test func goingOnWithTheSameReplyIsResumed() {
        #expect(bargeIn(.backchannel, stop: 3300, tail: 6000, resumesAt: 4200).outcome == .resumed)
        #expect(bargeIn(.interruption, stop: 3300, tail: 6000, resumesAt: 4200).outcome == .resumed)
    }

    @Test func anInterruptionOfSilenceIsUnjudged() {
        var script = FactScript()
        script.dial()
        script.state(.bargeInBegan, 3000, detail: 0)
        script.end(4000)
        #expect(script.fold().bargeIns[0].outcome == .unjudged)
    }

    @Test func strangeFactsAreCountedAndHarmless() {
        var script = FactScript()
        script.dial()
        script.state(.bargeInBegan, 100, detail: 77)
        script.state(.utteranceEnded, 200)
        script.facts.append(script.facts[0])
        script.facts[script.facts.count - 1].kind = 60_000
        script.facts[script.facts.count - 1].at = .min
        script.end(400)
        #expect(script.fold().strangeFacts == 3)
    }
}
