import Testing
import UproarCore

@testable import UproarLoad

private func at(_ ms: Int64) -> Instant { Instant(nanoseconds: ms * 1_000_000) }

private func turn(
    _ clip: Int, onSilence: ConversationScript.OnSilence = .goOn, owed: Bool = true,
    bargeIn: Dialogue.BargeIn? = nil, noise: Dialogue.Noise? = nil
) -> Dialogue.Step {
    .say(
        Dialogue.Turn(
            clip: clip, pause: .milliseconds(400), patience: .seconds(10), onSilence: onSilence,
            isAnswerOwed: owed, bargeIn: bargeIn, noise: noise))
}

extension Dialogue {
    fileprivate init(steps: [Step], greetingWithin: Duration?, isTagged: Bool) {
        self.init(
            steps: { $0 < steps.count ? steps[$0] : nil }, greetingWithin: greetingWithin,
            isTagged: isTagged)
    }
}

/// ```
/// 0 ms answered · greeting 200–1000 · silence to 1500 · speaks to 2400 · answer 3000–4000 · pause · hang up
/// ```
@Suite struct DialogueTests {
    @Test func aCallerGreetsNobodyBeforeTheAgentHasFinishedItsGreeting() {
        var dialogue = Dialogue(
            steps: [turn(3)], greetingWithin: .seconds(10), isTagged: true)
        #expect(dialogue.callAnswered(at(0)) == [])
        #expect(dialogue.agentBecameAudible(at(200), now: at(200)) == [])
        #expect(dialogue.agentBecameSilent(at(1000), now: at(1200)) == [])
        #expect(dialogue.deadline == at(1500))
        #expect(dialogue.tick(at(1499)) == [])
        #expect(dialogue.tick(at(1500)) == [.speak(clip: 3, utterance: 1)])
    }

    @Test func aCallerWaitsForAllSentencesOfAGreeting() {
        var dialogue = Dialogue(
            steps: [turn(3)], greetingWithin: .seconds(10), isTagged: true)
        _ = dialogue.callAnswered(at(0))
        _ = dialogue.agentBecameAudible(at(200), now: at(200))
        _ = dialogue.agentBecameSilent(at(600), now: at(800))
        // The pause of 400 ms would be over at 1000, in the middle of the second sentence.
        _ = dialogue.agentBecameAudible(at(950), now: at(950))
        #expect(dialogue.tick(at(1000)) == [])
        _ = dialogue.agentBecameSilent(at(1400), now: at(1600))
        #expect(dialogue.tick(at(1899)) == [])
        #expect(dialogue.tick(at(1900)) == [.speak(clip: 3, utterance: 1)])
    }

    @Test func withoutAGreetingTheCallerSpeaksWhenItsWaitIsOver() {
        var dialogue = Dialogue(steps: [turn(0)], greetingWithin: .seconds(5), isTagged: true)
        _ = dialogue.callAnswered(at(0))
        #expect(dialogue.deadline == at(5000))
        #expect(dialogue.tick(at(5000)) == [])
        #expect(dialogue.tick(at(5020)) == [.speak(clip: 0, utterance: 1)])
    }

    @Test func aPauseBeginsAnewWhenTheAgentSpeaksAgain() {
        var dialogue = Dialogue(steps: [turn(0)], greetingWithin: nil, isTagged: true)
        _ = dialogue.callAnswered(at(0))
        _ = dialogue.agentBecameAudible(at(300), now: at(300))
        #expect(dialogue.tick(at(400)) == [])
        _ = dialogue.agentBecameSilent(at(900), now: at(1000))
        #expect(dialogue.tick(at(1299)) == [])
        #expect(dialogue.tick(at(1300)) == [.speak(clip: 0, utterance: 1)])
    }

    private func waiting(
        _ steps: [Dialogue.Step], isTagged: Bool = true
    ) -> Dialogue {
        var dialogue = Dialogue(steps: steps, greetingWithin: nil, isTagged: isTagged)
        _ = dialogue.callAnswered(at(0))
        _ = dialogue.tick(at(400))
        _ = dialogue.finishedSpeaking(speechEnd: at(2400), now: at(2500))
        return dialogue
    }

    @Test func aWholeAnswerLeadsToTheNextTurnAfterItsPause() {
        var dialogue = waiting([turn(0), turn(1)])
        _ = dialogue.agentBecameAudible(at(3000), now: at(3060))
        #expect(dialogue.answerHeard(utterance: 1, at: at(3000)) == [])
        #expect(dialogue.answerFinished(utterance: 1, at: at(3900), now: at(3900)) == [])
        _ = dialogue.agentBecameSilent(at(4000), now: at(4200))
        #expect(dialogue.tick(at(4399)) == [])
        #expect(dialogue.tick(at(4400)) == [.speak(clip: 1, utterance: 2)])
    }

    @Test func anAnswerToAnotherUtteranceDoesNotEndTheWait() {
        var dialogue = waiting([turn(0)])
        #expect(dialogue.answerHeard(utterance: 7, at: at(3000)) == [])
        #expect(
            dialogue.tick(at(12400)) == [
                .timedOut(utterance: 1, patience: .seconds(10)), .hangUp(.completed),
            ])
    }

    @Test(arguments: [
        (ConversationScript.OnSilence.hangUp, [Dialogue.Effect.hangUp(.abandoned)]),
        (.sayAgain, [.speak(clip: 0, utterance: 2)]),
        (.goOn, [.hangUp(.completed)]),
    ])
    func whatFollowsSilenceIsTheScriptsChoice(
        _ choice: ConversationScript.OnSilence, _ expected: [Dialogue.Effect]
    ) {
        var dialogue = waiting([turn(0, onSilence: choice)])
        #expect(dialogue.tick(at(12399)) == [])
        #expect(
            dialogue.tick(at(12400))
                == [.timedOut(utterance: 1, patience: .seconds(10))] + expected)
    }

    @Test func anUntaggedAnswerIsAnySoundAndIsOverAfterSilence() {
        var dialogue = waiting([turn(0), turn(1)], isTagged: false)
        #expect(dialogue.agentBecameAudible(at(3000), now: at(3060)) == [])
        _ = dialogue.agentBecameSilent(at(3600), now: at(3800))
        _ = dialogue.agentBecameAudible(at(4000), now: at(4060))
        _ = dialogue.agentBecameSilent(at(5000), now: at(5200))
        #expect(dialogue.tick(at(6199)) == [])
        _ = dialogue.tick(at(6200))
        #expect(dialogue.tick(at(6220)) == [.speak(clip: 1, utterance: 2)])
    }

    @Test func aTalkedOverCallerYieldsAfterASecond() {
        var dialogue = Dialogue(steps: [turn(0)], greetingWithin: nil, isTagged: true)
        _ = dialogue.callAnswered(at(0))
        _ = dialogue.tick(at(400))
        _ = dialogue.agentBecameAudible(at(800), now: at(860))
        #expect(dialogue.tick(at(1799)) == [])
        #expect(dialogue.tick(at(1800)) == [.stopSpeaking])
    }

    @Test func anInterruptionIsSpokenIntoTheReplyAndTheRequestFollowsTheSilence() {
        let bargeIn = Dialogue.BargeIn(
            kind: .interruption, after: .milliseconds(500), clip: 8, then: 2)
        var dialogue = waiting([turn(0, bargeIn: bargeIn)])
        _ = dialogue.agentBecameAudible(at(3000), now: at(3060))
        _ = dialogue.answerHeard(utterance: 1, at: at(3000))
        #expect(dialogue.tick(at(3499)) == [])
        #expect(
            dialogue.tick(at(3500)) == [
                .bargedIn(.interruption, utterance: 1, clip: 8), .interrupted(utterance: 1),
                .speak(clip: 8, utterance: nil),
            ])
        #expect(dialogue.agentBecameSilent(at(3900), now: at(4100)) == [.yielded(at: at(3900))])
        #expect(dialogue.finishedSpeaking(speechEnd: at(4200), now: at(4220)) == [])
        #expect(dialogue.deadline >= at(4220))
        #expect(dialogue.tick(dialogue.deadline) == [.speak(clip: 2, utterance: 2)])
    }

    @Test func anAgentThatDoesNotYieldIsLeftTalkingAfterThreeSeconds() {
        let bargeIn = Dialogue.BargeIn(
            kind: .interruption, after: .milliseconds(500), clip: 8, then: 2)
        var dialogue = waiting([turn(0, bargeIn: bargeIn)])
        _ = dialogue.agentBecameAudible(at(3000), now: at(3060))
        _ = dialogue.answerHeard(utterance: 1, at: at(3000))
        _ = dialogue.tick(at(3500))
        #expect(dialogue.finishedSpeaking(speechEnd: at(4200), now: at(4220)) == [])
        #expect(dialogue.tick(at(6500)) == [.speak(clip: 2, utterance: 2)])
    }

    @Test func aNoiseIsMadeOnceAndTheCallerGoesOnWaiting() {
        let noise = Dialogue.Noise(after: .milliseconds(400), clip: 7)
        var dialogue = waiting([turn(0, noise: noise)])
        #expect(dialogue.deadline == at(2800))
        #expect(dialogue.tick(at(2790)) == [])
        #expect(dialogue.tick(at(2800)) == [.makeNoise(clip: 7)])
        #expect(dialogue.finishedSpeaking(speechEnd: at(3100), now: at(3200)) == [])
        #expect(dialogue.deadline == at(12_400))
        #expect(
            dialogue.tick(at(12_400)) == [
                .timedOut(utterance: 1, patience: .seconds(10)), .hangUp(.completed),
            ])
    }

    @Test func nobodyMakesANoiseIntoTheReply() {
        let noise = Dialogue.Noise(after: .milliseconds(900), clip: 7)
        var dialogue = waiting([turn(0, noise: noise)])
        _ = dialogue.agentBecameAudible(at(3000), now: at(3000))
        _ = dialogue.answerHeard(utterance: 1, at: at(3000))
        #expect(dialogue.tick(at(3300)) == [])
    }

    @Test func aBackchannelLetsTheReplyGoOn() {
        let bargeIn = Dialogue.BargeIn(
            kind: .backchannel, after: .milliseconds(500), clip: 9, then: nil)
        var dialogue = waiting([turn(0, bargeIn: bargeIn)])
        _ = dialogue.agentBecameAudible(at(3000), now: at(3060))
        _ = dialogue.answerHeard(utterance: 1, at: at(3000))
        _ = dialogue.tick(at(3500))
        _ = dialogue.finishedSpeaking(speechEnd: at(4000), now: at(4000))
        #expect(
            dialogue.answerFinished(utterance: 1, at: at(5000), now: at(5000)) == [
                .hangUp(.completed)
            ])
    }

    @Test func digitsGoOutOneEveryFifthOfASecond() {
        var dialogue = Dialogue(
            steps: [.digits(["4", "2"])], greetingWithin: nil, isTagged: true)
        #expect(dialogue.callAnswered(at(0)) == [.send(digit: "4")])
        #expect(dialogue.tick(at(199)) == [])
        #expect(dialogue.tick(at(200)) == [.send(digit: "2")])
        #expect(dialogue.tick(at(400)) == [.hangUp(.completed)])
    }

    @Test func endingAfterTheTurnWaitsForTheReply() {
        var dialogue = waiting([turn(0), turn(1)])
        #expect(dialogue.endAfterTurn(at(2600)) == [])
        _ = dialogue.agentBecameAudible(at(3000), now: at(3060))
        _ = dialogue.answerHeard(utterance: 1, at: at(3000))
        #expect(
            dialogue.answerFinished(utterance: 1, at: at(3900), now: at(3900))
                == [.hangUp(.completed)])
    }

    @Test func endingBetweenTurnsHangsUpAtOnce() {
        var dialogue = Dialogue(steps: [turn(0)], greetingWithin: nil, isTagged: true)
        _ = dialogue.callAnswered(at(0))
        #expect(dialogue.endAfterTurn(at(100)) == [.hangUp(.completed)])
        #expect(dialogue.endAfterTurn(at(200)) == [])
    }
}
