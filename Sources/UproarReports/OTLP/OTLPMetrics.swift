import UproarCore
import UproarStatistics

/// The figures of a run so far as OTLP metrics: distributions as summaries with their quantiles, counts as cumulative sums,
/// values as gauges. Names and units are those of `metrics.prom` with dots: `uproar.voice_to_voice`, in `s`.
package struct OTLPMetrics {
    private let run: OTLPRun

    package init(_ run: OTLPRun) { self.run = run }

    /// The body of `POST …/v1/metrics`. - now: of the run.
    package func body(_ result: RunResult, now: Instant) -> [UInt8] {
        let all: JSONValue = [
            "resourceMetrics": [
                [
                    "resource": run.resource,
                    "scopeMetrics": [
                        [
                            "scope": run.scope,
                            "metrics": .array(
                                MetricCatalog.all.compactMap { metric($0, result, now) }),
                        ]
                    ],
                ]
            ]
        ]
        return all.encoded()
    }

    private func metric(_ metric: MetricDescriptor, _ result: RunResult, _ now: Instant)
        -> JSONValue?
    {
        let recorder = result.recorder
        func point(_ tags: MetricTags, _ rest: [JSONValue.Member]) -> JSONValue {
            .object(
                [
                    .init(
                        "attributes",
                        OTLPRun.attributes(tags.tags.map { ($0.key, .string($0.value)) })),
                    .init("startTimeUnixNano", run.unix(.zero)),
                    .init("timeUnixNano", run.unix(now)),
                ] + rest)
        }
        var members: [JSONValue.Member] = [
            .init("name", .string("uproar." + metric.name)),
            .init("description", .string(metric.summary)),
            .init("unit", .string(Self.unit(metric.dimension))),
        ]
        if metric.kind == .value {
            let values = zip(recorder.values.keys, recorder.values.values).filter {
                $0.0.metric == metric.name
            }
            guard !values.isEmpty else { return nil }
            let points = values.map { point($0.0.tags, [.init("asDouble", .number($0.1))]) }
            members.append(.init("gauge", ["dataPoints": .array(points)]))
            return .object(members)
        }
        let keys = recorder.series.keys.filter { $0.metric == metric.name }
            .sorted { $0.tags < $1.tags }
        guard !keys.isEmpty else { return nil }
        let totals = keys.map { key in
            var sum = Interval()
            recorder.series[key]?.merge(0..<recorder.intervalCount, into: &sum)
            return (key.tags, sum)
        }
        if metric.kind == .events {
            members.append(
                .init(
                    "sum",
                    [
                        "aggregationTemporality": 2, "isMonotonic": true,
                        "dataPoints": .array(
                            totals.map {
                                point($0.0, [.init("asInt", .string(String($0.1.events)))])
                            }),
                    ]))
            return .object(members)
        }
        let scale = StoredUnit.scale(metric.dimension) * (metric.dimension == .time ? 1e9 : 1)
        let points = totals.map { tags, total in
            let samples = total.samples
            let quantiles: [JSONValue] = [0.5, 0.9, 0.95, 0.99].compactMap { q in
                // What was only seen to last longer has no number.
                guard let figure = samples.quantile(q), !figure.isCensored else { return nil }
                return ["quantile": .number(q), "value": .number(figure.value / scale)]
            }
            let sum = Double(samples.positive.sum - samples.negative.sum) / scale
            return point(
                tags,
                [
                    .init("count", .string(String(samples.count))), .init("sum", .number(sum)),
                    .init("quantileValues", .array(quantiles)),
                ])
        }
        members.append(.init("summary", ["dataPoints": .array(points)]))
        return .object(members)
    }

    /// UCUM, as OpenTelemetry wants it.
    private static func unit(_ dimension: MetricDescriptor.Dimension) -> String {
        switch dimension {
        case .time: "s"
        case .money: "{USD}"
        case .bytes: "By"
        case .bitrate: "bit/s"
        case .cores: "{core}"
        case .count, .share: "1"
        }
    }
}
