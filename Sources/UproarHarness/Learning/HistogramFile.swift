import UproarCore
import UproarWire

/// Prometheus histograms, from a page of metrics or from a server's query, as latencies.
enum HistogramFile {
    struct Choice {
        /// A family's name without `_bucket`; nil: every histogram of times that names a provider.
        var metric: String?
        /// Where no label says it.
        var provider: String?
        var operation: String?
    }

    /// Labels that name the provider, the surest first.
    private static let providerLabels = [
        "provider", "vendor", "gen_ai_provider_name", "gen_ai_system", "system", "service",
        "server_address", "host",
    ]

    private struct Series: Hashable {
        var metric: String
        var provider: String
        var operation: String?
    }

    /// One bucket, wherever it comes from.
    struct Bucket {
        var metric: String
        var labels: [PrometheusSample.Label]
        var count: Double
    }

    static func read(
        _ bytes: [UInt8], file: String, _ choice: Choice, into ledger: inout LatencyLedger
    ) throws {
        let families: [PrometheusFamily]
        do { families = try PrometheusText.parse(bytes) } catch {
            throw TimingTable.problem(
                file, error.line, error.reason, "Prometheus' text format, version 0.0.4")
        }
        let histograms = families.filter { $0.kind == .histogram }
        if let metric = choice.metric, !histograms.contains(where: { $0.name == metric }) {
            throw unknown(metric, among: histograms.map(\.name), where: file)
        }
        let buckets = histograms.flatMap { family in
            family.samples.filter { $0.name == family.name + "_bucket" }.map {
                Bucket(metric: family.name, labels: $0.labels, count: $0.value)
            }
        }
        take(buckets, choice, into: &ledger)
    }

    static func unknown(_ metric: String, among names: [String], where place: String)
        -> ScenarioLoading.Problem
    {
        let near = NearestName.of(metric, among: names).map { "; did you mean \($0)?" } ?? ""
        return ScenarioLoading.Problem(
            "\(place): no histogram \"\(metric)\"\(near)\n    allowed: "
                + (names.isEmpty
                    ? "none is there" : names.prefix(40).joined(separator: ", "))
                + "\n    more: docs/providers.md#learn")
    }

    static func take(_ buckets: [Bucket], _ choice: Choice, into ledger: inout LatencyLedger) {
        var found = OrderedTable<Series, [(bound: Duration?, count: Double)]>()
        for bucket in buckets where choice.metric == nil || bucket.metric == choice.metric {
            guard let unit = nanoseconds(bucket.metric) else {
                if choice.metric != nil { ledger.leave("buckets whose name has no unit of time") }
                continue
            }
            guard
                let provider = provider(bucket.labels) ?? choice.provider
                    ?? (choice.metric == nil ? nil : word(in: bucket.metric))
            else {
                ledger.leave("histograms that name no provider (--provider NAME)")
                continue
            }
            guard let text = bucket.labels.first(where: { $0.name == "le" })?.value,
                let bound = Double(text)
            else { continue }
            let series = Series(
                metric: bucket.metric, provider: provider,
                operation: bucket.labels.first { $0.name == "operation" }?.value
                    ?? choice.operation)
            let limit: Duration? =
                bound.isInfinite ? nil : .nanoseconds(Int64(min(bound * unit, 3.6e12)))
            // Instances, jobs and models of one operation are one.
            var known = found[series] ?? []
            if let place = known.firstIndex(where: { $0.bound == limit }) {
                known[place].count += bucket.count
            } else {
                known.append((limit, bucket.count))
            }
            found[series] = known
        }
        for (series, buckets) in zip(found.keys, found.values) {
            guard
                let key = ledger.key(
                    provider: series.provider, operation: series.operation,
                    role: role(series.metric))
            else { continue }
            guard let curve = BucketCurve(buckets) else {
                ledger.leave("histograms without a count")
                continue
            }
            guard ledger.entries[key] == nil else {
                ledger.leave("further histograms of \(key.provider.name) \(key.operation)")
                continue
            }
            ledger.add(curve, key)
        }
    }

    private static func nanoseconds(_ metric: String) -> Double? {
        if metric.hasSuffix("_seconds") { return 1e9 }
        if metric.hasSuffix("_milliseconds") || metric.hasSuffix("_ms") { return 1e6 }
        return nil
    }

    private static func provider(_ labels: [PrometheusSample.Label]) -> String? {
        for name in providerLabels {
            if let value = labels.first(where: { $0.name == name })?.value,
                LatencyLedger.provider(value) != nil
            {
                return value
            }
        }
        return nil
    }

    private static func word(in metric: String) -> String? {
        LatencyLedger.provider(metric)?.name
    }

    private static func role(_ metric: String) -> ProviderRole? {
        let words = metric.lowercased().split(separator: "_")
        if words.contains("tts") || words.contains("speech") { return .textToSpeech }
        if words.contains("stt") || words.contains("transcription") { return .speechToText }
        if words.contains("llm") || words.contains("token") { return .languageModel }
        return nil
    }
}
