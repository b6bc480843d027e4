import Testing
import UproarCore
import UproarStatistics

@Suite("The tally of a run")
struct RunTallyTests {
    private func call(_ id: UInt32, at second: Int) -> CallRecord {
        var call = CallRecord(
            CallDescription(
                id: id, tags: ["channel": "phone", "transport": "twilio"], patience: .seconds(10)),
            outcome: .completed)
        let due = Instant.zero + .seconds(second)
        call.due = due
        call.dialed = due
        call.answered = due + .milliseconds(1)
        call.connected = .seconds(5)
        var turn = TurnRecord(
            utterance: 1, clip: 0, began: due, ended: due + .milliseconds(1500))
        turn.outcome = .answered
        let latency = Duration.milliseconds(300 + Int(id) * 7919 % 900)
        turn.voiceToVoice = .exact(latency)
        turn.voiceToAnswer = .exact(latency)
        call.turns = [turn]
        return call
    }

    @Test("What it holds after one hour it holds after four: no count grows with time")
    func memoryIsConstantInTime() {
        var tally = RunTally(FoldSettings(prices: PriceBook(name: "none", prices: [])))
        var held: [[Int]] = []
        for second in 0..<4 * 3600 {
            for half in 0..<2 { tally.add(call(UInt32(2 * second + half), at: second)) }
            guard [3600, 7200, 14_400].contains(second + 1) else { continue }
            held.append([
                tally.recorder.series.count, tally.draw.entries.count, tally.worst.calls.count,
            ])
            #expect(tally.recorder.intervalCount <= IntervalRecorder.intervalLimit)
        }
        #expect(held.count == 3)
        #expect(Set(held).count == 1)
        // Nothing was forgotten for it.
        #expect(tally.recorder.merged("voice_to_voice").samples.count == 28_800)
        #expect(tally.ledger.calls.due == 28_800)
    }
}
