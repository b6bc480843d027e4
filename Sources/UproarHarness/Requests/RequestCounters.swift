import UproarCore
import UproarProviders
import UproarWire

/// The live counters of emulators by operation, as JSON and for Prometheus.
struct RequestCounters {
    let log: RequestLog
    /// By provider, what its connections carried.
    let providers: [(ProviderID, EmulatorCounters)]
    /// Nil where nobody knows them: no cost is told.
    let prices: PriceBook?

    var json: JSONValue {
        [
            "operations": .array(
                log.all.map { entry in
                    let counters = entry.counters
                    let count = counters.first.reduce(0, +)
                    var members: [JSONValue.Member] = [
                        .init("provider", .string(entry.provider.name)),
                        .init("operation", .string(entry.operation)),
                        .init("open", JSONValue(counters.open)),
                    ]
                    members += Self.outcomes(counters).map { .init($0.0.rawValue, .integer($0.1)) }
                    if count > 0 {
                        members.append(
                            .init(
                                "first_content_ms",
                                [
                                    "count": .integer(count),
                                    "mean": .number(
                                        counters.firstSum.inMilliseconds / Double(count)),
                                ]))
                    }
                    members.append(.init("usage", Self.json(counters.usage)))
                    if let cost = cost(entry.provider, counters) {
                        members.append(.init("cost_dollars", .number(cost)))
                    }
                    return .object(members)
                }),
            "providers": .object(providers.map { .init($0.0.name, $0.1.json) }),
        ]
    }

    private func cost(_ provider: ProviderID, _ counters: RequestLog.Counters) -> Double? {
        counters.usage == ProviderUsage()
            ? nil : prices?.cost(of: counters.usage, provider: provider)
    }

    private static func outcomes(_ counters: RequestLog.Counters)
        -> [(ProviderRequest.Outcome, Int64)]
    {
        [
            (.answered, counters.answered), (.refused, counters.refused),
            (.cancelled, counters.cancelled), (.broken, counters.broken),
        ]
    }

    private static func json(_ usage: ProviderUsage) -> JSONValue {
        [
            "audio_ms": .number(usage.audio.inMilliseconds),
            "prompt_tokens": .integer(usage.promptTokens),
            "completion_tokens": .integer(usage.completionTokens),
            "characters": .integer(usage.characters),
        ]
    }

    // MARK: Prometheus

    var families: [PrometheusFamily] {
        var requests = PrometheusFamily(
            name: "uproar_provider_requests_total", kind: .counter,
            help: "Requests, sockets and exchanges that are over, by their outcome.")
        var open = PrometheusFamily(
            name: "uproar_provider_open", kind: .gauge, help: "Requests and sockets open now.")
        var first = PrometheusFamily(
            name: "uproar_provider_first_content_seconds", kind: .histogram,
            help: "From the beginning of a request or exchange to its first content.")
        var audio = PrometheusFamily(
            name: "uproar_provider_audio_seconds_total", kind: .counter,
            help: "Audio understood or spoken, references left out.")
        var tokens = PrometheusFamily(
            name: "uproar_provider_tokens_total", kind: .counter,
            help: "Tokens read and written, references left out.")
        var characters = PrometheusFamily(
            name: "uproar_provider_characters_total", kind: .counter,
            help: "Characters spoken, references left out.")
        var dollars = PrometheusFamily(
            name: "uproar_provider_cost_dollars_total", kind: .counter,
            help: "Cost by the scenario's prices.")
        var bytes = PrometheusFamily(
            name: "uproar_provider_bytes_total", kind: .counter, help: "Bytes on the wire.")
        for entry in log.all {
            let counters = entry.counters
            let labels: [PrometheusSample.Label] = [
                .init("provider", entry.provider.name), .init("operation", entry.operation),
            ]
            func sample(_ family: inout PrometheusFamily, _ value: Double, _ more: String? = nil) {
                let label = more.map { $0.split(separator: "=").map(String.init) }
                family.samples.append(
                    PrometheusSample(
                        family.name,
                        labels: labels + (label.map { [.init($0[0], $0[1])] } ?? []), value))
            }
            for (outcome, count) in Self.outcomes(counters) {
                sample(&requests, Double(count), "outcome=\(outcome.rawValue)")
            }
            sample(&open, Double(counters.open))
            Self.append(counters, labels, to: &first)
            let usage = counters.usage
            if usage.audio > .zero { sample(&audio, usage.audio.inSeconds) }
            if usage.promptTokens > 0 {
                sample(&tokens, Double(usage.promptTokens), "kind=prompt")
                sample(&tokens, Double(usage.completionTokens), "kind=completion")
            }
            if usage.characters > 0 { sample(&characters, Double(usage.characters)) }
            if let cost = cost(entry.provider, counters) { sample(&dollars, cost) }
        }
        for (provider, counters) in providers {
            for (direction, count) in [
                ("received", counters.bytesReceived), ("sent", counters.bytesSent),
            ] {
                bytes.samples.append(
                    PrometheusSample(
                        bytes.name, ["provider": provider.name, "direction": direction],
                        Double(count)))
            }
        }
        return [requests, open, first, audio, tokens, characters, dollars, bytes].filter {
            !$0.samples.isEmpty
        }
    }

    private static func append(
        _ counters: RequestLog.Counters, _ labels: [PrometheusSample.Label],
        to family: inout PrometheusFamily
    ) {
        var sum = 0.0
        for (bound, count) in zip(RequestLog.bounds, counters.first) {
            sum += Double(count)
            family.samples.append(
                PrometheusSample(
                    family.name + "_bucket",
                    labels: labels + [.init("le", PrometheusText.bound(bound.inSeconds))], sum))
        }
        let total = Double(counters.first.reduce(0, +))
        family.samples.append(
            PrometheusSample(
                family.name + "_bucket", labels: labels + [.init("le", "+Inf")], total))
        family.samples.append(
            PrometheusSample(family.name + "_sum", labels: labels, counters.firstSum.inSeconds))
        family.samples.append(PrometheusSample(family.name + "_count", labels: labels, total))
    }
}
