import UproarCore

/// A comparison as part of a result (`baseline`) and of `comparison.json`.
extension RunComparison {
    package var members: [JSONValue.Member] {
        [
            .init("verdict", .string(verdict.rawValue)),
            .init("calls_before", .integer(Int64(callCounts.before))),
            .init("calls_after", .integer(Int64(callCounts.after))),
            .init("rows", .array(rows.map(\.json))),
        ]
    }

    init(_ fields: ResultFields) throws(ResultError) {
        var rows: [Row] = []
        for row in try fields.objects("rows") { rows.append(try Row(row)) }
        self.init(
            rows: rows,
            callCounts: (
                fields.int("calls_before", else: 0), fields.int("calls_after", else: 0)
            ))
    }
}

extension RunComparison.Row {
    var json: JSONValue {
        .present([
            "metric": .string(metric), "figure": .string(figure),
            "unit": .string(dimension.unit), "before": .number(before), "after": .number(after),
            "ci": .present([
                "low": JSONValue(interval.low), "high": JSONValue(interval.high),
                "confidence": .number(interval.confidence),
            ]),
            "limit": .number(limit), "verdict": .string(verdict.rawValue),
            "calls_needed": callsNeeded.map { .integer(Int64($0)) } ?? .null,
            "baseline_calls_needed": baselineCallsNeeded.map { .integer(Int64($0)) } ?? .null,
            "within_noise": isWithinNoise ? .bool(true) : .null,
        ])
    }

    init(_ fields: ResultFields) throws(ResultError) {
        let unit = fields.text("unit", else: "")
        guard let dimension = MetricDescriptor.Dimension.allUnits.first(where: { $0.unit == unit })
        else { throw ResultError(path: "\(fields.path).unit", reason: "an unknown unit") }
        let ci = fields.value["ci"]
        self.init(
            metric: try fields.text("metric"), figure: fields.text("figure", else: ""),
            dimension: dimension, before: fields.double("before") ?? 0,
            after: fields.double("after") ?? 0,
            interval: .init(
                low: ci?["low"]?.double, high: ci?["high"]?.double,
                confidence: ci?["confidence"]?.double ?? 0.95),
            limit: fields.double("limit") ?? 0,
            verdict: try fields.word("verdict", RunComparison.Verdict.self),
            callsNeeded: fields.value["calls_needed"]?.int,
            baselineCallsNeeded: fields.value["baseline_calls_needed"]?.int,
            isWithinNoise: fields.flag("within_noise"))
    }
}

/// The baseline a run was held against, as its result keeps it.
package struct BaselineRecord: Sendable, Equatable {
    /// `main@3fa1c0de12, seed 42`: which run it was.
    package var label: String
    package var comparison: RunComparison
    /// The runs whose calls were held against it, when there was more than one: the first is the result's own.
    package var rounds: [Round] = []

    package struct Round: Sendable, Hashable {
        package var seed: UInt64
        package var calls: Int

        package init(seed: UInt64, calls: Int) {
            self.seed = seed
            self.calls = calls
        }
    }

    package init(label: String, comparison: RunComparison) {
        self.label = label
        self.comparison = comparison
    }

    package init(_ baseline: RunResult, _ comparison: RunComparison) {
        let commit = baseline.commit.isEmpty ? "" : "commit \(baseline.commit.prefix(10)), "
        self.init(label: "\(commit)seed \(baseline.seed)", comparison: comparison)
    }

    var json: JSONValue {
        var members = [JSONValue.Member("label", .string(label))] + comparison.members
        if !rounds.isEmpty {
            let list = rounds.map { round -> JSONValue in
                [
                    "seed": Int64(exactly: round.seed).map { .integer($0) }
                        ?? .string(String(round.seed)),
                    "calls": .integer(Int64(round.calls)),
                ]
            }
            members.append(.init("rounds", .array(list)))
        }
        return .object(members)
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            label: fields.text("label", else: ""), comparison: try RunComparison(fields))
        for round in try fields.objects("rounds") {
            let seed =
                round.value["seed"]?.int.flatMap { UInt64(exactly: $0) }
                ?? round.value["seed"]?.text.flatMap { UInt64($0) } ?? 0
            rounds.append(.init(seed: seed, calls: round.int("calls", else: 0)))
        }
    }
}
