import Testing
import UproarCore
import UproarRuntime

@testable import UproarAgent

/// Plays a caller and a recogniser to a turn machine, frame by frame, and writes down what it asks for, with the time in
/// milliseconds of audio.
private final class Rehearsal {
    var machine: TurnMachine
    var speech: SpeechDetector
    var log: [String] = []
    private let rate = Hertz.telephone

    init(_ policy: TurnPolicy = TurnPolicy()) {
        machine = TurnMachine(policy)
        speech = SpeechDetector(runEnd: policy.endpointing)
    }

    var isIdle: Bool { machine.isIdle }
    var milliseconds: Int { speech.position / 8 }
    private var now: Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }

    func voice(_ milliseconds: Int) { frames(milliseconds) { $0 % 6 > 3 ? 4.5e5 : 5e6 } }
    func quiet(_ milliseconds: Int) { frames(milliseconds) { _ in 0 } }
    /// Noise of this power.
    func hiss(_ milliseconds: Int, _ power: Float) { frames(milliseconds) { _ in power } }
    func voice(_ milliseconds: Int, over noise: Float) {
        frames(milliseconds) { $0 % 6 > 3 ? noise : 5e6 + noise }
    }

    private func frames(_ milliseconds: Int, power: (Int) -> Float) {
        precondition(milliseconds % 20 == 0)
        for frame in 0..<milliseconds / 20 {
            speech.hear(power: power(frame))
            speech.hear(power: power(frame))
            note(machine.heardFrame(speech, now: now))
        }
    }

    /// A result for the audio from `start` to now.
    func words(_ text: String, from start: Int, isFinal: Bool = false) {
        let end = milliseconds
        note(
            machine.heardWords(
                Transcript(
                    text: text, isFinal: isFinal, endsUtterance: isFinal,
                    start: .milliseconds(start), duration: .milliseconds(end - start)),
                speech: speech, now: now))
    }

    private func note(_ effects: [TurnMachine.Effect]) {
        for effect in effects where effect != .settle {
            let text =
                switch effect {
                case .finishUtterance: "finish"
                case .start(let reply, let words): "start \(reply) \(words)"
                case .cancel(let reply): "cancel \(reply)"
                case .confirm(let reply, let words): "confirm \(reply) \(words)"
                case .answerAgain(let reply): "again \(reply)"
                case .stopSpeaking(let reply): "stop \(reply)"
                case .settle: ""
                }
            log.append("\(milliseconds) \(text)")
        }
    }
}

@Suite struct TurnMachineTests {
    @Test func aStableInterimIsAnsweredBeforeTheTurnIsOver() {
        let call = Rehearsal()
        call.quiet(200)
        call.voice(1000)
        call.words("add", from: 0)
        call.quiet(60)
        call.words("add milk", from: 0)
        call.quiet(180)
        call.words("Add milk.", from: 0, isFinal: true)
        call.quiet(100)
        #expect(
            call.log == [
                "1300 start 1 add milk", "1400 finish", "1460 confirm 1 Add milk.",
            ])
        #expect(!call.isIdle)
        call.machine.speakingBegan(reply: 1)
        call.quiet(1000)
        call.machine.replyEnded(reply: 1)
        call.quiet(20)
        #expect(call.log.count == 3)
        #expect(call.isIdle)
    }

    @Test func anInterimThatLacksTheEndIsNotAnswered() {
        let call = Rehearsal()
        call.voice(600)
        call.words("add", from: 0)
        call.voice(400)
        call.quiet(160)
        #expect(call.log == [])
        call.words("add milk", from: 0)
        #expect(call.log == ["1160 start 1 add milk"])
    }

    @Test func otherWordsInTheFinalResultBeginTheReplyAnew() {
        let call = Rehearsal()
        call.voice(1000)
        call.quiet(100)
        call.words("add silk", from: 0)
        call.quiet(120)
        call.words("add milk", from: 0, isFinal: true)
        call.quiet(60)
        #expect(
            call.log == [
                "1100 start 1 add silk", "1200 finish", "1220 cancel 1", "1220 start 2 add milk",
                "1260 confirm 2 add milk",
            ])
    }

    @Test func aPauseWithinTheUtteranceIsNoTurn() {
        let call = Rehearsal()
        call.voice(600)
        call.quiet(100)
        call.words("add", from: 0)
        call.quiet(120)
        call.words("add", from: 0, isFinal: true)
        call.voice(600)
        call.quiet(100)
        call.words("milk", from: 820)
        call.quiet(200)
        call.words("milk", from: 820, isFinal: true)
        #expect(
            call.log == [
                "700 start 1 add", "800 finish", "1020 cancel 1", "1520 start 2 add milk",
                "1620 finish", "1720 confirm 2 add milk",
            ])
    }

    @Test func whoSeemedToGoOnAndSaidNothingIsAnsweredStill() {
        let call = Rehearsal()
        call.voice(1000)
        call.quiet(100)
        call.words("add milk", from: 0)
        call.quiet(120)
        call.words("add milk", from: 0, isFinal: true)
        call.quiet(100)
        // A passing car.
        call.voice(400)
        call.quiet(220)
        call.words("", from: 1220, isFinal: true)
        call.quiet(100)
        #expect(
            call.log == [
                "1100 start 1 add milk", "1200 finish", "1260 confirm 1 add milk", "1520 cancel 1",
                "1920 finish", "1980 again 2",
            ])
        // Once: the next noise finds that answer under way, or heard.
        call.machine.speakingBegan(reply: 2)
        call.machine.replyEnded(reply: 2)
        call.quiet(200)
        call.voice(400)
        call.quiet(220)
        call.words("", from: 2040, isFinal: true)
        call.quiet(300)
        #expect(!call.log.contains { $0.contains("again 3") })
    }

    @Test func withAnsweringAgainOffNoiseCostsTheAnswer() {
        var policy = TurnPolicy()
        policy.answersAgain = false
        let call = Rehearsal(policy)
        call.voice(1000)
        call.quiet(220)
        call.words("add milk", from: 0, isFinal: true)
        call.quiet(100)
        call.voice(400)
        call.quiet(220)
        call.words("", from: 1220, isFinal: true)
        call.quiet(500)
        #expect(call.log.contains { $0.hasSuffix("cancel 1") })
        #expect(!call.log.contains { $0.contains("again") })
    }

    @Test func inNoiseATurnIsOverLater() {
        let call = Rehearsal()
        call.voice(1000, over: 5e4)
        call.hiss(100, 5e4)
        call.words("add milk", from: 0)
        call.hiss(120, 5e4)
        call.words("add milk", from: 0, isFinal: true)
        call.hiss(40, 5e4)
        // In silence it would be over now: 260 ms.
        #expect(!call.log.contains { $0.contains("confirm") })
        call.hiss(300, 5e4)
        #expect(call.log.contains { $0.hasSuffix("confirm 1 add milk") })
    }

    @Test func whoGoesOnWithWordsIsAnsweredOnce() {
        let call = Rehearsal()
        call.voice(1000)
        call.quiet(100)
        call.words("add milk", from: 0)
        call.quiet(120)
        call.words("add milk", from: 0, isFinal: true)
        call.quiet(100)
        call.voice(400)
        call.words("and bread", from: 1320)
        call.quiet(220)
        call.words("and bread", from: 1320, isFinal: true)
        call.quiet(100)
        #expect(call.log.last?.hasSuffix("confirm 2 and bread") == true)
        #expect(!call.log.contains { $0.contains("again") })
    }

    @Test func withoutAFinalResultTheInterimIsTakenAfterAWhile() {
        let call = Rehearsal()
        call.voice(600)
        call.quiet(100)
        call.words("add milk", from: 0)
        call.quiet(800)
        #expect(call.log == ["700 start 1 add milk", "800 finish", "1360 confirm 1 add milk"])
        // The final result that was waited for belongs to that turn, whatever it says.
        call.words("add milk please", from: 0, isFinal: true)
        call.quiet(400)
        #expect(call.log.count == 3)
    }

    @Test func noiseWithoutWordsIsForgotten() {
        let call = Rehearsal()
        call.voice(400)
        call.quiet(220)
        call.words("", from: 0, isFinal: true)
        call.quiet(100)
        #expect(call.log == ["600 finish"])
        #expect(call.isIdle)
    }

    @Test func wordsWithoutVoiceMakeATurnToo() {
        let call = Rehearsal()
        call.quiet(1000)
        call.words("add", from: 0)
        call.quiet(200)
        call.words("add milk", from: 0, isFinal: true)
        call.quiet(280)
        #expect(
            call.log == [
                "1100 start 1 add", "1200 cancel 1", "1300 start 2 add milk",
                "1460 confirm 2 add milk",
            ])
    }

    @Test func aCallerWhoGoesOnBeforeTheReplyIsHeardIsHeardOut() {
        let call = Rehearsal()
        call.voice(600)
        call.quiet(100)
        call.words("add milk", from: 0)
        call.quiet(120)
        call.words("add milk", from: 0, isFinal: true)
        call.quiet(60)
        call.voice(400)
        call.quiet(100)
        call.words("and bread", from: 820)
        call.quiet(120)
        call.words("and bread", from: 820, isFinal: true)
        call.quiet(100)
        #expect(
            call.log == [
                "700 start 1 add milk", "800 finish", "860 confirm 1 add milk", "1080 cancel 1",
                "1380 start 2 and bread", "1480 finish", "1540 confirm 2 and bread",
            ])
    }

    // MARK: Barge-in

    private func speaking() -> Rehearsal {
        let call = Rehearsal()
        call.machine.greetingBegan()
        call.quiet(1000)
        return call
    }

    @Test func wordsOverTheAgentStopIt() {
        let call = speaking()
        call.voice(160)
        call.words("stop", from: 1000)
        #expect(call.log == ["1160 stop 0"])
        call.voice(200)
        call.quiet(100)
        call.words("stop please", from: 1000)
        call.quiet(120)
        call.words("stop please", from: 1000, isFinal: true)
        call.quiet(60)
        #expect(
            call.log.dropFirst() == [
                "1460 start 1 stop please", "1560 finish", "1620 confirm 1 stop please",
            ])
    }

    @Test func aVoiceThatGoesOnStopsTheAgentWithoutWords() {
        let call = speaking()
        call.voice(800)
        #expect(call.log == ["1700 stop 0"])
    }

    @Test func aCoughDoesNot() {
        let call = speaking()
        call.voice(320)
        call.quiet(220)
        call.words("", from: 1000, isFinal: true)
        call.quiet(1000)
        #expect(call.log == ["1520 finish"])
    }

    @Test func aBackchannelDoesNot() {
        let call = speaking()
        call.voice(300)
        call.words("mm-hm", from: 1000)
        call.voice(200)
        call.quiet(220)
        call.words("Mm-hm.", from: 1000, isFinal: true)
        call.quiet(1000)
        #expect(call.log == ["1700 finish"])
        call.machine.replyEnded(reply: 0)
        call.quiet(20)
        #expect(call.isIdle)
    }

    @Test func aBackchannelThatOutlastsTheAgentIsNoTurnEither() {
        let call = speaking()
        call.voice(200)
        call.machine.replyEnded(reply: 0)
        call.voice(100)
        call.quiet(100)
        call.words("okay", from: 1000, isFinal: true)
        call.quiet(300)
        #expect(call.log == [])
        #expect(call.isIdle)
    }

    @Test func aBackchannelThatBecomesATalkStopsIt() {
        let call = speaking()
        call.voice(300)
        call.words("okay", from: 1000)
        call.voice(300)
        #expect(call.log == [])
        call.words("okay but wait", from: 1000)
        #expect(call.log == ["1600 stop 0"])
    }

    @Test func theSameWordsAreAnAnswerWhenTheAgentIsSilent() {
        let call = Rehearsal()
        call.voice(300)
        call.quiet(100)
        call.words("okay", from: 0, isFinal: true)
        call.quiet(160)
        #expect(call.log == ["400 start 1 okay", "560 confirm 1 okay"])
    }

    // MARK: Order of late things

    @Test func lateReportsOfACutReplyChangeNothing() {
        let call = speaking()
        call.voice(160)
        call.words("stop", from: 1000)
        call.machine.replyEnded(reply: 0)
        call.machine.speakingBegan(reply: 0)
        call.quiet(100)
        call.words("stop", from: 1000, isFinal: true)
        #expect(call.log == ["1160 stop 0", "1260 start 1 stop"])
    }

    @Test func aWindowThatWasNeverClosedGoesOnWithTheNextUtterance() {
        let call = Rehearsal()
        call.voice(600)
        call.quiet(100)
        call.words("add milk", from: 0)
        call.quiet(800)
        call.machine.speakingBegan(reply: 1)
        call.machine.replyEnded(reply: 1)
        call.voice(600)
        call.words("add milk and", from: 0)
        call.quiet(200)
        call.words("add milk and bread", from: 0, isFinal: true)
        call.quiet(200)
        #expect(
            call.log.suffix(3) == [
                "2300 cancel 2", "2300 start 3 and bread", "2360 confirm 3 and bread",
            ])
    }

    @Test func anotherStreamSaysTheUtteranceAnewAndItsWordsReplaceTheOld() {
        let call = Rehearsal()
        call.voice(600)
        call.words("add", from: 0)
        call.machine.recogniserChanged()
        call.voice(400)
        call.quiet(100)
        call.words("add some milk", from: 0, isFinal: true)
        call.quiet(160)
        #expect(call.log == ["1100 start 1 add some milk", "1260 confirm 1 add some milk"])
    }
}
