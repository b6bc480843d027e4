import Testing
import UproarCore

@testable import UproarStatistics

@Suite struct FactCollectorTests {
    private func script(_ call: UInt32, end: Double) -> FactScript {
        var script = FactScript(call: call)
        script.dial()
        script.speak(1, from: 1000, to: 2000)
        script.answer(1, from: 2400, to: 3000)
        script.end(end)
        return script
    }

    @Test func aCallIsFoldedAGraceAfterItsEndWithFactsThatCameLate() {
        var collector = FactCollector(FactScript.settings)
        var script = script(1, end: 4000)
        collector.open(script.description())
        for fact in script.facts { collector.state(fact) }
        #expect(collector.fold(now: FactScript.at(5400)).isEmpty)
        script.facts = []
        script.providers(1, end: 2000)
        for fact in script.facts { collector.state(fact) }
        let records = collector.fold(now: FactScript.at(5500))
        #expect(records.map(\.id) == [1])
        #expect(records[0].turns[0][.speechToText] == .ms(60))
        #expect(collector.openCount == 0)
        collector.state(script.facts[0])
        #expect(collector.lateCount == 1)
    }

    @Test func callsLeftAtTheEndAreFoldedByIdAndCut() {
        var collector = FactCollector(FactScript.settings)
        for id: UInt32 in [9, 3] {
            var open = FactScript(call: id)
            open.dial()
            collector.open(open.description())
            for fact in open.facts { collector.state(fact) }
        }
        let records = collector.foldAll()
        #expect(records.map(\.id) == [3, 9])
        #expect(records.allSatisfy { $0.outcome == .cutByRun })
    }

    @Test func usageOfNoCallIsChargedToTheRun() {
        var collector = FactCollector(FactScript.settings)
        collector.state(
            Fact(
                .voiceFinished, at: .zero, value: 60_000_000_000, detail: 900,
                origin: .provider(.cartesia)))
        var tally = RunTally(FactScript.settings)
        tally.addUnattributed(collector.drainUnattributed(), at: .zero)
        #expect(collector.drainUnattributed().isEmpty)
        #expect(tally.cost.dollars == 0.024)
        #expect(tally.cost.unattributed == 24_000_000)
    }

    @Test func aFloodOfFactsIsBounded() {
        var collector = FactCollector(FactScript.settings)
        let script = FactScript(call: 1)
        collector.open(script.description())
        let fact = Fact(.playoutGap, at: .zero, call: 1, value: 1, origin: .caller)
        for _ in 0..<FactCollector.factLimit + 10 { collector.state(fact) }
        #expect(collector.droppedCount == 10)
    }

    @Test func theTallyAddsUpTurnsCallsAndTheWorst() {
        var tally = RunTally(FactScript.settings)
        for id in 0..<30 as Range<UInt32> {
            var script = FactScript(call: id)
            script.dial()
            script.speak(1, from: 1000, to: 2000)
            script.providers(1, end: 2000)
            script.answer(1, from: 2400 + Double(id) * 10, to: 4000)
            script.end(5000, id == 5 ? .dropped : .completed)
            tally.add(script.fold())
        }
        #expect(tally.ledger.turns.answered == 30)
        #expect(tally.ledger.calls.dropped == 1)
        #expect(tally.worst.calls.count == 20)
        #expect(tally.worst.calls.prefix(3).map(\.id) == [5, 29, 28])
        let stt = tally.recorder.merged("stt", [.init("provider", .equals, "deepgram")])
        #expect(stt.samples.count == 30)
        let completed = tally.recorder.merged("calls_completed")
        #expect(completed.events == 29 && completed.occasions == 30)
        #expect(completed.missed?.call == 5)
    }
}
