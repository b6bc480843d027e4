import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct CallDrawTests {
    private func call(_ id: UInt32, _ outcome: CallOutcome = .completed) -> CallRecord {
        var record = CallRecord(
            CallDescription(id: id, tags: .init(), patience: .seconds(10)), outcome: outcome)
        record.due = .zero
        var turn = TurnRecord(utterance: 1, clip: 0, began: .zero, ended: .zero)
        turn.outcome = .answered
        turn.voiceToVoice = .exact(.milliseconds(Int64(id)))
        record.turns = [turn]
        return record
    }

    @Test func fewCallsAreAllKeptAndCutOnesAreNot() {
        var draw = CallDraw()
        for id in 0..<10 as Range<UInt32> { draw.add(call(id)) }
        draw.add(call(10, .cutByRun))
        #expect(draw.population == 10)
        #expect(draw.entries.map(\.call) == Array(0..<10))
        #expect(draw.entries[3].voiceToVoice == [3000])
        #expect(draw.entries[3].owed == 1 && draw.entries[3].bad == 0)
    }

    @Test func manyCallsGiveTheSameDrawInAnyOrder() {
        var up = CallDraw()
        var down = CallDraw()
        let count = UInt32(CallDraw.limit + 1500)
        for id in 0..<count { up.add(call(id)) }
        for id in (0..<count).reversed() { down.add(call(id)) }
        #expect(up == down)
        #expect(up.entries.count == CallDraw.limit)
        #expect(up.population == UInt64(count))
        // No part of the run is favoured.
        let early = up.entries.count { $0.call < count / 2 }
        #expect(early > CallDraw.limit * 45 / 100 && early < CallDraw.limit * 55 / 100)
    }

    /// Two runs number their calls alike, and none must push the other's out.
    @Test func callsOfTwoRoundsStandBesideEachOther() {
        var first = CallDraw()
        var second = CallDraw()
        for id in 0..<6 as Range<UInt32> { first.add(call(id)) }
        for id in 0..<4 as Range<UInt32> { second.add(call(id)) }
        var both = first
        both.add(second, round: 1)
        #expect(both.population == 10)
        #expect(both.entries.map(\.call) == Array(0..<6) + (0..<4).map { 1 << 18 | $0 })
        #expect(both.entries.suffix(4).map(\.voiceToVoice) == second.entries.map(\.voiceToVoice))
        #expect(!both.isFull)
        for id in 6..<UInt32(CallDraw.limit) { first.add(call(id)) }
        first.add(second, round: 1)
        #expect(first.isFull && first.entries.count == CallDraw.limit)
        #expect(first.population == UInt64(CallDraw.limit) + 4)
    }

    @Test func itReadsBackAsItWasWritten() throws {
        var draw = CallDraw()
        for id in 0..<5 as Range<UInt32> { draw.add(call(id)) }
        let text = draw.json.encoded(pretty: false)
        let read = try CallDraw(ResultFields(try JSONParser.parse(text), path: "draw"))
        #expect(read == draw)
        #expect(throws: ResultError.self) {
            try CallDraw(ResultFields(["call": [1, 2], "owed": [1]], path: "draw"))
        }
    }
}
