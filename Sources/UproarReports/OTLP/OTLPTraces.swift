import UproarCore
import UproarStatistics

/// One trace for each turn of a call: the turn, the caller's speech in it, and each stage of the answer.
///
/// ```
/// turn ├──────────────────────────────────────────┤   began … answer heard
///      caller ├───────────┤ uplink stt endpointing …  the stages, one after the other
/// ```
/// Ids follow from the run's start, the call and the turn, so that repeated runs of one seed stay apart.
package struct OTLPTraces {
    private let run: OTLPRun

    package init(_ run: OTLPRun) { self.run = run }

    /// The spans of a call that is over.
    package func spans(_ call: CallRecord) -> [JSONValue] {
        call.turns.flatMap { spans($0, call) }
    }

    /// The body of `POST …/v1/traces`.
    package func body(_ spans: [JSONValue]) -> [UInt8] {
        let all: JSONValue = [
            "resourceSpans": [
                [
                    "resource": run.resource,
                    "scopeSpans": [["scope": run.scope, "spans": .array(spans)]],
                ]
            ]
        ]
        return all.encoded()
    }

    private func spans(_ turn: TurnRecord, _ call: CallRecord) -> [JSONValue] {
        var ids = Seed(run.seed ^ RandomStream.mix(UInt64(bitPattern: run.origin)))
            .stream("otlp", UInt64(call.id) << 16 | UInt64(turn.utterance))
        let trace = Self.hex(&ids, words: 2)
        let root = Self.hex(&ids, words: 1)
        func span(
            _ name: String, _ id: String, parent: String?, _ from: Instant, _ to: Instant,
            _ attributes: [(String, JSONValue)] = [], error: String? = nil
        ) -> JSONValue {
            var members: [JSONValue.Member] = [
                .init("traceId", .string(trace)), .init("spanId", .string(id)),
            ]
            if let parent { members.append(.init("parentSpanId", .string(parent))) }
            members += [
                .init("name", .string(name)), .init("kind", 1),
                .init("startTimeUnixNano", run.unix(min(from, to))),
                .init("endTimeUnixNano", run.unix(max(from, to))),
                .init("attributes", OTLPRun.attributes(attributes)),
            ]
            if let error {
                members.append(.init("status", ["code": 2, "message": .string(error)]))
            }
            return .object(members)
        }
        var spans: [JSONValue] = [
            span(
                "turn", root, parent: nil, turn.began, Self.end(turn), attributes(turn, call),
                error: turn.outcome == .lost || turn.outcome == .late
                    ? turn.outcome.rawValue : nil),
            span("caller", Self.hex(&ids, words: 1), parent: root, turn.began, turn.ended),
        ]
        var at = turn.ended
        for stage in Stage.allCases {
            // Where one was not observed, nobody knows when the later ones were.
            guard let length = turn[stage] else { break }
            var tags: [(String, JSONValue)] = [
                ("uproar.owner", .string(stage.owner.rawValue)),
                ("uproar.length_ms", .number(length.inMilliseconds)),
            ]
            if let provider = turn.provider(of: stage) {
                tags.append(("uproar.provider", .string(provider.name)))
            }
            spans.append(
                span(
                    stage.rawValue, Self.hex(&ids, words: 1), parent: root, at, at + length, tags))
            at = at + length
        }
        return spans
    }

    private func attributes(_ turn: TurnRecord, _ call: CallRecord) -> [(String, JSONValue)] {
        var pairs: [(String, JSONValue)] = [
            ("uproar.call", .integer(Int64(call.id))),
            ("uproar.utterance", .integer(Int64(turn.utterance))),
            ("uproar.outcome", .string(turn.outcome.rawValue)),
        ]
        for tag in call.tags.tags { pairs.append(("uproar." + tag.key, .string(tag.value))) }
        if !turn.marks.isEmpty {
            pairs.append(("uproar.marks", .string(turn.marks.names.joined(separator: " "))))
        }
        for metric in ["voice_to_voice", "voice_to_answer"] {
            guard case .exact(let time)? = turn.sample(metric) else { continue }
            pairs.append(("uproar.\(metric)_ms", .number(time.inMilliseconds)))
        }
        return pairs
    }

    /// The answer heard, any sound heard, or as long as the caller waited.
    private static func end(_ turn: TurnRecord) -> Instant {
        for sample in [turn.voiceToAnswer, turn.voiceToVoice] {
            switch sample {
            case .exact(let time)?, .atLeast(let time)?: return turn.ended + time
            case nil: continue
            }
        }
        return turn.ended
    }

    private static func hex(_ random: inout RandomStream, words: Int) -> String {
        var bytes: [UInt8] = []
        for _ in 0..<words {
            // All zeros is no id.
            let word = max(1, random.next())
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
        return Hex.encode(bytes)
    }
}
