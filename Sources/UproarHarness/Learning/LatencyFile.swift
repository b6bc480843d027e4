import UproarCore

/// One operation's times as a file that `empirical(FILE)` replays: comments with where they come from, then values in
/// milliseconds, one a line, in rising order.
struct LatencyFile {
    var key: LatencyLedger.Key
    var entry: LatencyLedger.Entry
    /// The day it was learned: 2026-11-30.
    var date: String
    var source: String

    /// More values than these are kept as so many evenly spaced quantiles, of which the replay interpolates the rest.
    static let pointCount = 1_001

    var name: String {
        let base = "\(key.provider.name)-\(key.operation)"
        return base + (key.time == .connect ? "-connect.csv" : ".csv")
    }

    /// In rising order.
    var values: [Duration] {
        if let curve = entry.buckets {
            return (0..<Self.pointCount).map {
                curve.quantile(Double($0) / Double(Self.pointCount - 1))
            }
        }
        let sorted = entry.values.sorted()
        guard sorted.count > Self.pointCount else { return sorted }
        let all = Distribution.empirical(sorted)
        return (0..<Self.pointCount).map { point in
            let place = Double(point) / Double(Self.pointCount - 1) * Double(sorted.count - 1)
            return Self.between(sorted, place, all)
        }
    }

    private static func between(_ sorted: [Duration], _ place: Double, _ all: Distribution)
        -> Duration
    {
        let index = min(Int(place), sorted.count - 1)
        guard index + 1 < sorted.count else { return sorted[index] }
        let span = Double((sorted[index + 1] - sorted[index]).nanoseconds)
        return sorted[index] + .nanoseconds(Int64(span * (place - Double(index))))
    }

    func quantile(_ q: Double) -> Duration {
        if let curve = entry.buckets { return curve.quantile(q) }
        let sorted = entry.values.sorted()
        return sorted[min(sorted.count - 1, Int(q * Double(sorted.count)))]
    }

    static func text(_ duration: Duration) -> String {
        NumberText.fixed(duration.inMilliseconds, 3)
    }

    var text: String {
        var lines = [
            "# \(key.provider.name) \(key.operation), milliseconds "
                + (key.time == .first ? "to the first content" : "to connect"),
            "# learned \(date) from \(source)",
            "# n \(entry.count)"
                + (entry.count > Self.pointCount || entry.buckets != nil
                    ? ", kept as \(Self.pointCount) evenly spaced quantiles" : ""),
            "# "
                + [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)].map {
                    "\($0.0) \(Self.text(quantile($0.1)))"
                }.joined(separator: ", "),
        ]
        if let resolution { lines.append("# \(resolution)") }
        lines += values.map(Self.text)
        return lines.joined(separator: "\n") + "\n"
    }

    /// What the source cannot tell.
    var resolution: String? {
        guard let curve = entry.buckets else {
            guard entry.count < 20 else { return nil }
            return "only \(entry.count) values: its tail is what happened to be seen"
        }
        let parts = [0.5, 0.95, 0.99].map { q in
            let (low, high) = curve.bucket(of: q)
            let name = "p\(Int((q * 100).rounded()))"
            guard let high else { return "\(name) above \(Self.text(low))" }
            return "\(name) between \(Self.text(low)) and \(Self.text(high))"
        }
        var text =
            "from histogram buckets: only so much is known: " + parts.joined(separator: ", ")
            + "; within a bucket times are spread evenly"
        if curve.unboundedShare > 0 {
            text +=
                "; \(NumberText.fixed(curve.unboundedShare * 100, 1)) % lie above the last bucket and count as its bound"
        }
        return text
    }
}

extension LatencyFile {
    /// What replays all of `files`, for a scenario's `include:`.
    static func scenario(_ files: [LatencyFile], source: String, date: String) -> String {
        var text =
            "# Learned \(date) from \(source). In a scenario beside it: include: providers.yaml\n"
            + "providers:\n"
        var providers = OrderedTable<ProviderID, [LatencyFile]>()
        for file in files { providers[file.key.provider, default: []].append(file) }
        for (provider, files) in zip(providers.keys, providers.values) {
            text += "  \(provider.name):\n    operations:\n"
            var operations = OrderedTable<String, [LatencyFile]>()
            for file in files { operations[file.key.operation, default: []].append(file) }
            for (name, files) in zip(operations.keys, operations.values) {
                let role = ProviderOperation.named(name, of: provider)?.role ?? provider.role
                let keys = files.map { file in
                    let key =
                        switch (file.key.time, role) {
                        case (.connect, _): "connect"
                        case (.first, .languageModel): "first_token"
                        case (.first, .textToSpeech): "first_byte"
                        case (.first, _): "latency"
                        }
                    return "\(key): empirical(\(file.name))"
                }
                text += "      \(name): {\(keys.joined(separator: ", "))}\n"
            }
        }
        return text
    }
}
