import Testing
import UproarCore
import UproarReports
import UproarStatistics

@Suite struct OTLPTests {
    private let run = OTLPRun(
        scenario: "sample", seed: 42, commit: "abc", version: "1", origin: 1_700_000_000_000_000_000
    )

    private func parse(_ bytes: [UInt8]) throws -> JSONValue { try JSONParser.parse(bytes) }

    private var turn: TurnRecord {
        var turn = TurnRecord(
            utterance: 1, clip: 3, began: .zero + .seconds(1), ended: .zero + .seconds(3))
        turn.outcome = .answered
        turn.voiceToVoice = .exact(.milliseconds(500))
        turn.voiceToAnswer = .exact(.milliseconds(600))
        for stage in Stage.allCases { turn[stage] = .milliseconds(100) }
        turn[.endpointing] = .milliseconds(-100)
        turn.speechToText = .deepgram
        return turn
    }

    private func call(_ id: UInt32 = 7, _ turns: [TurnRecord]) -> CallRecord {
        var call = CallRecord(
            CallDescription(
                id: id, tags: ["channel": "phone"], isTagged: true, patience: .seconds(10)),
            outcome: .completed)
        call.turns = turns
        return call
    }

    @Test func aTurnIsATraceWhoseStagesFollowEachOther() throws {
        let spans = OTLPTraces(run).spans(call(7, [turn]))
        #expect(
            spans.compactMap { $0["name"]?.text } == ["turn", "caller"]
                + Stage.allCases.map(\.rawValue))
        let root = try #require(spans.first)
        #expect(spans.allSatisfy { $0["traceId"] == root["traceId"] })
        #expect(spans.dropFirst().allSatisfy { $0["parentSpanId"] == root["spanId"] })
        #expect(Set(spans.compactMap { $0["spanId"]?.text }).count == spans.count)
        #expect(root["traceId"]?.text?.utf8.count == 32 && root["spanId"]?.text?.utf8.count == 16)
        #expect(root["startTimeUnixNano"]?.text == "1700000001000000000")
        #expect(root["endTimeUnixNano"]?.text == "1700000003600000000")
        let ends = spans.suffix(Stage.allCases.count).compactMap { $0["endTimeUnixNano"]?.text }
        #expect(ends.first == "1700000003100000000" && ends.last == "1700000003600000000")
        // A request that left before the final result was there runs backwards, and is shown as the stretch it covers.
        let endpointing = spans[4]
        #expect(endpointing["startTimeUnixNano"]?.text == "1700000003100000000")
        #expect(endpointing["endTimeUnixNano"]?.text == "1700000003200000000")
    }

    @Test func stagesEndWithTheFirstThatWasNotSeenAndALostTurnIsAnError() {
        var lost = turn
        lost.outcome = .lost
        lost.voiceToAnswer = .atLeast(.seconds(10))
        lost[.tools] = nil
        let spans = OTLPTraces(run).spans(call(7, [lost]))
        #expect(
            spans.compactMap { $0["name"]?.text } == [
                "turn", "caller", "uplink", "stt", "endpointing",
            ])
        #expect(spans[0]["status"]?["message"]?.text == "lost")
        #expect(spans[0]["endTimeUnixNano"]?.text == "1700000013000000000")
    }

    @Test func idsDifferBetweenTurnsCallsAndRunsAndNeverByAccident() {
        func trace(_ run: OTLPRun, _ call: CallRecord) -> String? {
            OTLPTraces(run).spans(call)[0]["traceId"]?.text
        }
        var later = run
        later.origin += 1
        var second = turn
        second.utterance = 2
        let ids = [
            trace(run, call(7, [turn])), trace(run, call(7, [second])), trace(run, call(8, [turn])),
            trace(later, call(7, [turn])),
        ]
        #expect(Set(ids).count == 4)
        #expect(trace(run, call(7, [turn])) == ids[0])
    }

    @Test func theBodyNamesTheRun() throws {
        let body = try parse(OTLPTraces(run).body(OTLPTraces(run).spans(call(7, [turn]))))
        let resource = body["resourceSpans"]?.items?.first
        let attributes = resource?["resource"]?["attributes"]?.items ?? []
        #expect(attributes.first?["key"]?.text == "service.name")
        #expect(attributes.first?["value"]?["stringValue"]?.text == "uproar")
        #expect(resource?["scopeSpans"]?.items?.first?["spans"]?.items?.count == 10)
    }

    @Test func metricsAreSummariesSumsAndGauges() throws {
        let result = SampleRun().result()
        let body = try parse(OTLPMetrics(run).body(result, now: .zero + .seconds(70)))
        let metrics =
            body["resourceMetrics"]?.items?.first?["scopeMetrics"]?.items?.first?["metrics"]?.items
            ?? []
        func metric(_ name: String) -> JSONValue? { metrics.first { $0["name"]?.text == name } }
        let latency = try #require(metric("uproar.voice_to_voice"))
        #expect(latency["unit"]?.text == "s")
        let point = latency["summary"]?["dataPoints"]?.items?.first
        #expect(point?["quantileValues"]?.items?.count == 4)
        #expect(point?["timeUnixNano"]?.text == "1700000070000000000")
        let answered = try #require(metric("uproar.turns_answered") ?? metric("uproar.turns_lost"))
        #expect(answered["sum"]?["isMonotonic"] == .bool(true))
    }
}
