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

    @Test("Nothing that was not seen becomes a number: no effect, no alternate, no recovery")
    func censored() {
        let untouched = FaultHistory(Self.subject).report(end: Self.at(1_000))
        #expect(untouched.firstEffect == nil && untouched.detect.isEmpty)
        #expect(untouched.recovery == nil)
        var history = FaultHistory(Self.subject)
        history.take(Self.fact(.faultEffective, 1_000, call: 1, detail: 2))
        history.clear(at: Self.at(46_000))
        history.take(Self.call(1, turns: [(2_000, false), (44_000, false)]))
        history.take(Self.fact(.utteranceEnded, 2_000, call: 1, .caller))
        let report = history.report(end: Self.at(50_000))
        // Owed from the caller's end on: 44 of the 45 s of the fault.
        #expect(report.failover[0].length == .atLeast(.seconds(44)))
        #expect(report.recovery == .atLeast(.seconds(48)))
        let figure = report.figures.first { $0.name == "time_to_failover" }
        #expect(figure?.text == "> 44.00s")
        #expect(report.findings.contains("no other provider ever stood in"))
    }

    @Test("Wrong turns of calls it never met are collateral, dropped calls are counted")
    func collateral() {
        var history = FaultHistory(Self.subject) { $0 == 1 }
        history.take(Self.fact(.faultEffective, 1_000, call: 1, detail: 2))
        history.clear(at: Self.at(5_000))
        history.take(Self.call(1, turns: [(2_000, true)], outcome: .dropped))
        history.take(Self.call(2, turns: [(2_500, false)]))
        let report = history.report(end: Self.at(30_000))
        #expect(report.collateral == 1 && report.dropped == 1 && report.affected == 1)
    }

    @Test(
        "Calls that were met and never wrong were well at the fault's end; of too few turns nothing is said"
    )
    func neverWrong() {
        func lag(_ turns: [Int]) -> TurnSample? {
            var history = FaultHistory(Self.subject)
            history.take(Self.fact(.faultEffective, 1_000, call: 1, detail: 2))
            history.clear(at: Self.at(5_000))
            history.take(Self.call(1, turns: turns.map { ($0, true) }))
            let report = history.report(end: Self.at(60_000))
            #expect(report.recovery == nil)
            return report.recoveryLag
        }
        #expect(lag([2_000, 6_000, 12_000, 18_000]) == .exact(.zero))
        #expect(lag([2_000, 6_000, 12_000]) == nil)
    }

    @Test("The spans are where gates look for them")
    func gates() {
        var history = FaultHistory(Self.subject)
        history.take(Self.fact(.faultEffective, 1_000, call: 1, detail: 2))
        history.take(Self.fact(.utteranceBegan, 900, call: 1, .caller))
        history.take(Self.fact(.interimSent, 1_700, call: 1, .provider(.assemblyai)))
        history.take(Self.fact(.utteranceEnded, 2_500, call: 1, .caller))
        history.clear(at: Self.at(5_000))
        var recorder = IntervalRecorder()
        history.report(end: Self.at(9_000)).record(into: &recorder)
        let found = recorder.merged(
            "failover_time", [.init("provider", .equals, "deepgram")])
        #expect(found.samples.count == 1)
        #expect(found.samples.maximum?.value == 700_000_000)
    }

    @Test(
        "A call that owes nothing has nothing to fail over, and one that idled is known to within its idling"
    )
    func slack() throws {
        var history = FaultHistory(Self.subject)
        let whisper = FactOrigin.provider(.whisper)
        history.take(Self.fact(.faultEffective, 20_000, call: 1, detail: 2))
        history.take(Self.fact(.faultEffective, 20_000, call: 2, detail: 2))
        history.take(Self.fact(.utteranceEnded, 26_400, call: 1, .caller))
        history.take(Self.fact(.speechRecognised, 26_650, call: 1, whisper))
        history.take(Self.fact(.finalSent, 27_000, call: 1, whisper))
        history.clear(at: Self.at(35_000))
        let report = history.report(end: Self.at(60_000))
        #expect(report.failover.map(\.call) == [1])
        let span = try #require(report.failover.first)
        #expect(span.length == .exact(.milliseconds(600)))
        #expect(span.slack == .milliseconds(6_400))
        #expect(report.detect.first?.length == .exact(.milliseconds(250)))
        #expect(report.establish.first?.length == .exact(.milliseconds(350)))
        let figure = report.figures.first { $0.name == "time_to_failover" }
        #expect(figure?.text == "600ms (up to 7.00s)")
    }

    @Test("A debt that the provider itself pays under the fault is no failover")
    func retried() {
        var history = FaultHistory(Self.subject)
        history.take(Self.fact(.faultEffective, 20_000, call: 1, detail: 2))
        history.take(Self.fact(.utteranceEnded, 21_000, call: 1, .caller))
        history.take(Self.fact(.finalSent, 21_200, call: 1))
        history.clear(at: Self.at(35_000))
        #expect(history.report(end: Self.at(60_000)).failover.isEmpty)
    }

    @Test(
        "A breaker that keeps calls from asking does not make them unexposed; who is out of the cohort is the control"
    )
    func exposure() {
        var history = FaultHistory(Self.subject) { $0 < 10 }
        history.take(Self.fact(.faultEffective, 20_000, call: 1, detail: 2))
        history.clear(at: Self.at(35_000))
        history.take(Self.call(1, turns: [(21_000, false)]))
        history.take(Self.call(2, turns: [(22_000, false)]))
        history.take(Self.call(11, turns: [(22_000, false)]))
        let report = history.report(end: Self.at(60_000))
        #expect(report.exposed == 2 && report.affected == 2 && report.collateral == 1)
    }

    @Test("What was wrong before is taken off what is wrong now, as an interval")
    func baseline() throws {
        var history = FaultHistory(Self.subject)
        for call in 20..<40 as Range<UInt32> {
            history.take(Self.call(call, turns: [(5_000, call != 20), (8_000, true)]))
        }
        history.take(Self.fact(.faultEffective, 20_000, call: 1, detail: 2))
        history.clear(at: Self.at(35_000))
        history.take(Self.call(1, turns: [(21_000, false), (24_000, true)]))
        let figure = try #require(
            history.report(end: Self.at(60_000)).figures.first { $0.name == "calls_affected" })
        #expect(figure.value == 1)
        let (low, high) = (try #require(figure.low), try #require(figure.high))
        // One of 40 turns was wrong before: two turns are wrong one time in twenty.
        #expect(low > 0.7 && low < high && high < 1)
    }

    @Test("How calls ended early is told apart")
    func drops() {
        var history = FaultHistory(Self.subject)
        history.take(Self.fact(.faultEffective, 1_000, call: 1, detail: 2))
        history.clear(at: Self.at(5_000))
        var hungUp = Self.call(1, turns: [(2_000, true)], outcome: .dropped)
        hungUp.ending = .byAgent
        history.take(hungUp)
        history.take(Self.call(2, turns: [(2_000, true)], outcome: .dropped))
        history.take(Self.call(3, turns: [(2_000, true)], outcome: .abandoned))
        let drops = history.report(end: Self.at(30_000)).drops
        #expect(drops.byAgent == 1 && drops.transport == 1 && drops.deadAir == 1)
    }

    @Test("The agent's own sign comes before all others, with the time between two looks")
    func sign() {
        var history = FaultHistory(Self.subject)
        history.take(Self.fact(.faultEffective, 20_300, call: 1, detail: 2))
        history.take(.init(name: "early", after: Self.at(19_000), at: Self.at(20_000)))
        history.take(.init(name: "breaker", after: Self.at(21_000), at: Self.at(22_000)))
        history.clear(at: Self.at(35_000))
        let figure = history.report(end: Self.at(60_000)).figures.first
        #expect(figure?.name == "time_to_detect" && figure?.basis == "by its own breaker")
        #expect(figure?.text == "1.70s (700ms–1.70s)")
    }

    @Test("Back is who serves again without another's help; who never does is a finding")
    func failback() {
        let whisper = FactOrigin.provider(.whisper)
        func history(_ more: [Fact]) -> FaultReport {
            var history = FaultHistory(Self.subject)
            history.take(Self.fact(.faultEffective, 20_000, call: 1, detail: 2))
            history.take(Self.fact(.utteranceEnded, 21_000, call: 1, .caller))
            history.take(Self.fact(.finalSent, 21_400, call: 1, whisper))
            history.clear(at: Self.at(30_000))
            for fact in more { history.take(fact) }
            return history.report(end: Self.at(75_000))
        }
        func said(_ ms: Int, _ utterance: UInt32, _ origin: FactOrigin) -> Fact {
            Fact(
                .finalSent, at: Self.at(ms), call: 1,
                reference: TurnReference(call: 1, utterance: utterance), origin: origin)
        }
        let deepgram = FactOrigin.provider(.deepgram)
        // A probe hears the utterance that Whisper answers for.
        let back = history([
            said(40_000, 3, deepgram), said(40_200, 3, whisper), said(50_000, 4, deepgram),
        ])
        #expect(back.failback?.length == .exact(.seconds(20)))
        let never = history([said(40_000, 3, whisper)])
        #expect(never.failback?.length == .atLeast(.seconds(45)))
        #expect(never.findings.contains { $0.contains("never went back") })
    }

    @Test("Who was met by a fault that has been counted is met, and counted no more")
    func met() {
        var history = FaultHistory(Self.subject)
        history.take(Self.fact(.faultEffective, 1_000, detail: 2, .link))
        history.met(4, at: Self.at(1_000))
        history.met(5, at: Self.at(1_500))
        history.clear(at: Self.at(5_000))
        history.take(Self.call(4, turns: [(2_000, false)]))
        let report = history.report(end: Self.at(30_000))
        #expect(report.effects == 1 && report.exposed == 2 && report.affected == 1)
    }

    @Test("What was put on a faulty link is no answer before the caller has heard it")
    func onLink() {
        func report(isOnLink: Bool, heardAt: Int?) -> FaultReport {
            var subject = Self.subject
            subject.isOnLink = isOnLink
            var history = FaultHistory(subject)
            history.take(Self.fact(.faultEffective, 1_000, detail: 2, .link))
            history.met(4, at: Self.at(1_000))
            history.take(Self.fact(.utteranceEnded, 2_000, call: 4, .caller))
            history.take(Self.fact(.finalSent, 2_100, call: 4))
            if let heardAt {
                history.take(Self.fact(.answerAudible, heardAt, call: 4, .caller))
            }
            if heardAt == nil {
                history.take(Self.fact(.finalSent, 3_000, call: 4, .provider(.whisper)))
            }
            history.clear(at: Self.at(9_000))
            return history.report(end: Self.at(30_000))
        }
        // At an emulator what the provider said was said: the time without it begins after that.
        #expect(
            report(isOnLink: false, heardAt: nil).failover.map(\.length)
                == [.exact(.nanoseconds(899_999_999))])
        #expect(
            report(isOnLink: true, heardAt: nil).failover.map(\.length)
                == [.exact(.milliseconds(1_000))])
        // It came through: nobody had to stand in.
        #expect(report(isOnLink: true, heardAt: 2_600).failover.isEmpty)
    }

    @Test("What a link or a process does is no request: amplification counts requests alone")
    func amplification() {
        func amplification(_ origin: FactOrigin) -> Double? {
            var history = FaultHistory(Self.subject)
            for ms in [1_000, 3_000] {
                history.take(Self.fact(.speechRecognised, ms, call: 1))
            }
            history.take(Self.call(1, turns: [(1_500, true), (3_500, true)]))
            history.take(Self.fact(.faultArmed, 10_000, detail: 2, .nemesis))
            for ms in [10_000, 10_100, 10_200] {
                history.take(Self.fact(.faultEffective, ms, call: 2, detail: 2, origin))
            }
            history.take(Self.fact(.speechRecognised, 10_300, call: 2))
            history.take(Self.call(2, turns: [(11_000, true)]))
            history.clear(at: Self.at(15_000))
            return history.report(end: Self.at(60_000)).amplification
        }
        #expect(amplification(.link) == 1)
        #expect(amplification(.provider(.deepgram)) == 4)
    }
}
