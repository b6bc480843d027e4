import UproarCore

/// Gates with their verdicts in a result: parsed rule and text, so that an offline reader can judge again without a parser.
extension GateResult {
    var json: JSONValue {
        .present([
            "rule": rule.json,
            "outcome": .string(outcome.rawValue),
            "unit": .string(dimension.unit),
            "observed": JSONValue(observed?.value),
            "observed_is_censored": observed?.isCensored == true ? .bool(true) : .null,
            "observed_text": JSONValue(observed?.text(dimension)),
            "limit": JSONValue(limit),
            "margin": JSONValue(margin),
            "n": .count(count),
            "ci": interval.map {
                .present([
                    "low": JSONValue($0.low), "high": JSONValue($0.high),
                    "confidence": .number($0.confidence),
                ])
            } ?? .null,
            "worst_calls": .array(worstCalls.map { .integer(Int64($0)) }),
            "reason": JSONValue(reason),
            "decides": .bool(decides),
        ])
    }

    init(_ fields: ResultFields) throws(ResultError) {
        let rule = try GateRule(try fields.object("rule"))
        guard
            let dimension = MetricDescriptor.Dimension.allUnits.first(where: {
                $0.unit == fields.text("unit", else: "")
            })
        else { throw ResultError(path: "\(fields.path).unit", reason: "an unknown unit") }
        let ci = fields.value["ci"]
        self.init(
            rule: rule, outcome: try fields.word("outcome", GateOutcome.self),
            dimension: dimension,
            observed: fields.double("observed").map {
                Figure($0, isCensored: fields.flag("observed_is_censored"))
            }, limit: fields.double("limit"), count: fields.count("n"),
            interval: ci.flatMap { ci in
                ci["confidence"]?.double.map {
                    ConfidenceInterval(
                        low: ci["low"]?.double, high: ci["high"]?.double, confidence: $0)
                }
            },
            worstCalls: (fields.value["worst_calls"]?.items ?? []).compactMap {
                $0.int.flatMap { UInt32(exactly: $0) }
            }, reason: fields.value["reason"]?.text,
            decides: fields.value["decides"]?.isTrue)
    }
}

extension MetricDescriptor.Dimension {
    static let allUnits: [Self] = [.time, .money, .count, .share, .bytes, .bitrate, .cores]
}

extension GateRule {
    var json: JSONValue {
        .present([
            "text": .string(text),
            "severity": .string(severity.rawValue),
            "metric": .string(metric),
            "selector": JSONValue.array(selector.map(\.json)).unlessEmpty,
            "window": window.json,
            "aggregate": aggregate.json,
            "comparison": .string(comparison.rawValue),
            "bound": bound.json,
            "for_ms": .milliseconds(holdFor),
            "min_n": minimumCount.map { .integer(Int64($0)) } ?? .null,
            "no_data": .string(noData.rawValue),
            "confidence": JSONValue(confidence),
            "why": JSONValue(why),
        ])
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            severity: try fields.word("severity", Severity.self),
            metric: try fields.text("metric"), selector: try Self.selector(fields),
            window: try Window(try fields.object("window")),
            aggregate: try Aggregate(try fields.object("aggregate")),
            comparison: try fields.word("comparison", Comparison.self),
            bound: try Bound(try fields.object("bound")), holdFor: fields.duration("for_ms"),
            minimumCount: fields.value["min_n"]?.int,
            noData: try fields.word("no_data", NoData.self),
            confidence: fields.double("confidence"), why: fields.value["why"]?.text,
            text: try fields.text("text"))
    }

    static func selector(_ fields: ResultFields) throws(ResultError) -> [Condition] {
        var conditions: [Condition] = []
        for condition in try fields.objects("selector") {
            conditions.append(
                Condition(
                    try condition.text("key"), try condition.word("test", Condition.Test.self),
                    try condition.text("value")))
        }
        return conditions
    }
}

extension GateRule.Condition {
    var json: JSONValue {
        ["key": .string(key), "test": .string(test.rawValue), "value": .string(value)]
    }
}

extension GateRule.Quantity {
    var json: JSONValue { ["value": .number(value), "unit": .string(dimension.unit)] }

    init(_ fields: ResultFields) throws(ResultError) {
        guard let value = fields.double("value"),
            let dimension = MetricDescriptor.Dimension.allUnits.first(where: {
                $0.unit == fields.text("unit", else: "")
            })
        else { throw ResultError(path: fields.path, reason: "a value with its unit is due") }
        self.init(value, dimension)
    }
}

extension GateRule.Window {
    var json: JSONValue {
        switch self {
        case .all: ["kind": "all"]
        case .steady: ["kind": "steady"]
        case .warmup: ["kind": "warmup"]
        case .stage(let name): ["kind": "stage", "id": .string(name)]
        case .last(let length): ["kind": "last", "length_ms": .milliseconds(length)]
        case .fault(let id, let from, let to):
            .present([
                "kind": "fault", "id": .string(id), "from_ms": .milliseconds(from),
                "to_ms": .milliseconds(to),
            ])
        }
    }

    init(_ fields: ResultFields) throws(ResultError) {
        switch try fields.text("kind") {
        case "all": self = .all
        case "steady": self = .steady
        case "warmup": self = .warmup
        case "stage": self = .stage(try fields.text("id"))
        case "last": self = .last(fields.duration("length_ms") ?? .zero)
        case "fault":
            self = .fault(
                try fields.text("id"), from: fields.duration("from_ms"),
                to: fields.duration("to_ms"))
        case let kind:
            throw ResultError(path: "\(fields.path).kind", reason: "'\(kind)' is not known")
        }
    }
}

extension GateRule.Aggregate {
    var json: JSONValue {
        switch self {
        case .quantile(let q): ["kind": "quantile", "q": .number(q)]
        case .share(let comparison, let value):
            ["kind": "share", "comparison": .string(comparison.rawValue), "value": value.json]
        default: ["kind": .string(text)]
        }
    }

    init(_ fields: ResultFields) throws(ResultError) {
        switch try fields.text("kind") {
        case "quantile":
            guard let q = fields.double("q"), q > 0, q < 1 else {
                throw ResultError(path: "\(fields.path).q", reason: "a number in 0 ... 1 is due")
            }
            self = .quantile(q)
        case "share":
            self = .share(
                try fields.word("comparison", GateRule.Comparison.self),
                try GateRule.Quantity(try fields.object("value")))
        case let kind:
            let plain: [Self] = [.mean, .minimum, .maximum, .count, .rate, .perSecond, .deviation]
            guard let found = plain.first(where: { $0.text == kind }) else {
                throw ResultError(path: "\(fields.path).kind", reason: "'\(kind)' is not known")
            }
            self = found
        }
    }
}

extension GateRule.Bound {
    var json: JSONValue {
        switch self {
        case .value(let value): ["kind": "value", "value": value.json]
        case .range(let low, let high): ["kind": "range", "low": low.json, "high": high.json]
        case .baseline(let factor, let plus):
            .present([
                "kind": "baseline", "factor": .number(factor), "plus": plus?.json ?? .null,
            ])
        case .metric(let reference):
            .present([
                "kind": "metric", "metric": .string(reference.metric),
                "selector": JSONValue.array(reference.selector.map(\.json)).unlessEmpty,
                "window": reference.window.json,
            ])
        }
    }

    init(_ fields: ResultFields) throws(ResultError) {
        switch try fields.text("kind") {
        case "value": self = .value(try .init(try fields.object("value")))
        case "range":
            self = .range(
                try .init(try fields.object("low")), try .init(try fields.object("high")))
        case "baseline":
            self = .baseline(
                factor: fields.double("factor") ?? 1,
                plus: fields.has("plus") ? try .init(try fields.object("plus")) : nil)
        case "metric":
            self = .metric(
                .init(
                    metric: try fields.text("metric"), selector: try GateRule.selector(fields),
                    window: try .init(try fields.object("window"))))
        case let kind:
            throw ResultError(path: "\(fields.path).kind", reason: "'\(kind)' is not known")
        }
    }
}
