import Testing
import UproarCore
import UproarStatistics

@Suite("What a fault did, from facts and calls")
struct FaultHistoryTests {
    static let subject = FaultHistory.Subject(
        id: "stt-down", number: 2, kind: "http_error", target: "deepgram", summary: "",
        providers: [.deepgram], recovery: .seconds(10))

    static func at(_ milliseconds: Int) -> Instant { .zero + .milliseconds(milliseconds) }

    static func fact(
        _ kind: FactKind, _ ms: Int, call: UInt32? = nil, detail: UInt32 = 0,
        _ origin: FactOrigin = .provider(.deepgram)
    ) -> Fact { Fact(kind, at: at(ms), call: call, detail: detail, origin: origin) }

    static func call(
        _ id: UInt32, turns: [(ms: Int, isGood: Bool)], outcome: CallOutcome = .completed
    )
        -> CallRecord
    {
        var call = CallRecord(
            CallDescription(id: id, tags: .init(), isTagged: true, patience: .seconds(10)),
            outcome: outcome)
        call.turns = turns.enumerated().map { index, turn in
            var record = TurnRecord(
                utterance: UInt32(index), clip: 0, began: at(turn.ms - 1000), ended: at(turn.ms))
            record.outcome = turn.isGood ? .answered : .lost
            return record
        }
        call.ended = turns.last.map { at($0.ms + 2000) }
        return call
    }

    @Test("200 drills with planted times: what is reported is what was planted")
    func truth() throws {
        let whisper = FactOrigin.provider(.whisper)
        for seed in 0..<200 as Range<UInt64> {
            var random = Seed(seed).stream("drill")
            func draw(_ from: Int, _ to: Int) -> Int { from + random.below(to - from) }
            let armed = draw(10_000, 12_000)
            let t0 = armed + draw(0, 2_000)
            let detect = draw(50, 1_500)
            let decide = detect + draw(10, 800)
            let cleared = t0 + draw(8_000, 15_000)
            let back = draw(100, 5_000)
            let neverFailsOver = seed % 10 == 0
            var history = FaultHistory(Self.subject)
            history.take(Self.fact(.faultArmed, armed, detail: 2, .nemesis))
            history.take(Self.fact(.faultEffective, t0, call: 7, detail: 2))
            // Another fault's effect and another role's success are not ours.
            history.take(Self.fact(.faultEffective, t0 - 500, call: 7, detail: 3))
            history.take(Self.fact(.modelFirstContent, t0 + 5, call: 7, .provider(.openai)))
            if !neverFailsOver {
                history.take(Self.fact(.speechRecognised, t0 + detect, call: 7, whisper))
                history.take(Self.fact(.finalSent, t0 + decide, call: 7, whisper))
            }
            history.clear(at: Self.at(cleared))
            history.take(Self.fact(.finalSent, cleared + back, call: 7))
            let bad = t0 + 300
            let good = decide + t0 + 400
            history.take(
                Self.call(
                    7,
                    turns: [
                        (armed - 3_000, true), (bad, false), (good, true), (good + 1_000, true),
                        (good + 2_000, true),
                    ]))
            history.take(Self.call(8, turns: [(t0 + 600, true)]))
            let report = history.report(end: Self.at(60_000))
            #expect(report.firstEffect == Self.at(t0))
            #expect(report.exposed == 1 && report.affected == 1 && report.collateral == 0)
            let lasting = TurnSample.atLeast(.milliseconds(cleared - t0))
            #expect(
                report.detect.map(\.length)
                    == [neverFailsOver ? lasting : .exact(.milliseconds(detect))])
            #expect(
                report.failover.map(\.length)
                    == [neverFailsOver ? lasting : .exact(.milliseconds(decide))])
            #expect(
                report.failback.map(\.length)
                    == (neverFailsOver ? [] : [.exact(.milliseconds(back))]))
            #expect(report.recovery == .exact(.milliseconds(good - bad)))
            #expect(report.turnsLost == 1)
        }
    }

    @Test("Nothing that was not seen becomes a number: no effect, no alternate, no recovery")
    func censored() {
        let untouched = FaultHistory(Self.subject).report(end: Self.at(1_000))
        #expect(untouched.firstEffect == nil && untouched.detect.isEmpty)
        #expect(untouched.recovery == nil)
        var history = FaultHistory(Self.subject)
        history.take(Self.fact(.faultEffective, 1_000, call: 1, detail: 2))
        history.clear(at: Self.at(46_000))
        history.take(Self.call(1, turns: [(2_000, false)]))
        let report = history.report(end: Self.at(50_000))
        #expect(report.failover[0].length == .atLeast(.seconds(45)))
        #expect(report.recovery == .atLeast(.seconds(48)))
        let figure = report.figures.first { $0.name == "time_to_failover" }
        #expect(figure?.text == "> 45.00s")
    }

    @Test("Wrong turns of calls it never met are collateral, dropped calls are counted")
    func collateral() {
        var history = FaultHistory(Self.subject)
        history.take(Self.fact(.faultEffective, 1_000, call: 1, detail: 2))
        history.clear(at: Self.at(5_000))
        history.take(Self.call(1, turns: [(2_000, true)], outcome: .dropped))
        history.take(Self.call(2, turns: [(2_500, false)]))
        let report = history.report(end: Self.at(30_000))
        #expect(report.collateral == 1 && report.dropped == 1 && report.affected == 1)
    }

    @Test("The spans are where gates look for them")
    func gates() {
        var history = FaultHistory(Self.subject)
        history.take(Self.fact(.faultEffective, 1_000, call: 1, detail: 2))
        history.take(Self.fact(.finalSent, 1_700, call: 1, .provider(.assemblyai)))
        history.clear(at: Self.at(5_000))
        var recorder = IntervalRecorder()
        history.report(end: Self.at(9_000)).record(into: &recorder)
        let found = recorder.merged(
            "failover_time", [.init("provider", .equals, "deepgram")])
        #expect(found.samples.count == 1)
        #expect(found.samples.maximum?.value == 700_000_000)
    }
}
