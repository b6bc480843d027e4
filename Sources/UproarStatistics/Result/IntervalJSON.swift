import UproarCore

/// One interval, or a merge of several, as members of a JSON object.
///
/// Histograms are HdrHistogram V2 in Base64: compressed where it pays, plain for the few slots of one second.
extension Interval {
    func members(compressed: Bool) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        func add(_ key: String, _ value: JSONValue) {
            if !value.isNull { members.append(.init(key, value)) }
        }
        if !samples.isEmpty {
            add("count", .count(samples.count))
            add("censored", JSONValue.count(samples.censoredCount).unlessEmpty)
            add("censored_at", samples.censoredAt.map { .integer($0) } ?? .null)
            add("histogram", Self.text(samples.positive, compressed))
            add("negative_histogram", Self.text(samples.negative, compressed))
            add("exact", Self.exact(samples.positive))
            add("negative_exact", Self.exact(samples.negative))
        }
        add("events", JSONValue.count(events).unlessEmpty)
        if occasions != samples.count { add("occasions", .count(occasions)) }
        add("numerator", JSONValue.integer(numerator).unlessEmpty)
        add("denominator", JSONValue.integer(denominator).unlessEmpty)
        add("worst", Self.json(worst))
        add("missed", Self.json(missed))
        return members
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init()
        samples = SignedHistogram(
            positive: try Self.histogram(fields, "histogram", "exact"),
            negative: try Self.histogram(fields, "negative_histogram", "negative_exact"),
            censored: fields.count("censored"),
            at: fields.value["censored_at"]?.int.map(Int64.init))
        events = fields.count("events")
        occasions = fields.has("occasions") ? fields.count("occasions") : samples.count
        numerator = Int64(fields.int("numerator", else: 0))
        denominator = Int64(fields.int("denominator", else: 0))
        worst = Self.exemplar(fields.value["worst"])
        missed = Self.exemplar(fields.value["missed"])
    }

    // MARK: Parts

    private static func text(_ histogram: HDRHistogram, _ compressed: Bool) -> JSONValue {
        guard !histogram.isEmpty else { return .null }
        if !compressed {
            let plain = histogram.encodedV2()
            // zlib's own frame costs more than it saves on a few slots.
            if plain.count < 160 { return .string(Base64.encode(plain)) }
        }
        return .string(histogram.base64)
    }

    /// What slots cannot hold: sum, least, greatest, and how many values were above the range.
    private static func exact(_ histogram: HDRHistogram) -> JSONValue {
        guard !histogram.isEmpty else { return .null }
        let sum =
            Int64(exactly: histogram.sum).map { JSONValue.integer($0) }
            ?? .string(histogram.sum.description)
        var items: [JSONValue] = [sum, .integer(histogram.least), .integer(histogram.greatest)]
        if histogram.clampedCount > 0 { items.append(.count(histogram.clampedCount)) }
        return .array(items)
    }

    private static func histogram(_ fields: ResultFields, _ key: String, _ exact: String)
        throws(ResultError) -> HDRHistogram
    {
        guard let text = fields.value[key]?.text else { return HDRHistogram() }
        var histogram: HDRHistogram
        do { histogram = try HDRHistogram(base64: text) } catch {
            throw ResultError(path: "\(fields.path).\(key)", reason: "a histogram is \(error)")
        }
        let figures = fields.value[exact]
        let sum = figures?[0]
        histogram.restore(
            sum: sum?.int.map { Int128($0) } ?? sum?.text.flatMap { Int128($0) },
            least: figures?[1]?.int.map(Int64.init), greatest: figures?[2]?.int.map(Int64.init),
            clamped: figures?[3]?.int.map { UInt64(max(0, $0)) })
        return histogram
    }

    private static func json(_ exemplar: Exemplar?) -> JSONValue {
        exemplar.map { [.integer(Int64($0.call)), .integer($0.value)] } ?? .null
    }

    private static func exemplar(_ value: JSONValue?) -> Exemplar? {
        guard let call = value?[0]?.int, let number = value?[1]?.int,
            let id = UInt32(exactly: call)
        else { return nil }
        return Exemplar(call: id, value: Int64(number))
    }
}

extension IntervalRecorder {
    /// Series by the catalog's order of metrics, then by tags: the same run gives the same bytes.
    var orderedKeys: [Key] { series.keys.sorted(by: Self.comesBefore) }

    private static func comesBefore(_ a: Key, _ b: Key) -> Bool {
        let left = MetricCatalog.place(a.metric)
        let right = MetricCatalog.place(b.metric)
        if left != right { return left < right }
        if a.metric != b.metric { return a.metric < b.metric }
        return a.tags < b.tags
    }

    /// `series` of a result.
    var seriesJSON: JSONValue {
        .array(
            orderedKeys.compactMap { key in
                guard let series = series[key] else { return nil }
                var intervals: [JSONValue] = []
                series.forEach(0..<intervalCount) { index, interval in
                    let from = JSONValue.Member(
                        "from_ms",
                        .integer(Int64(index) * width.nanoseconds / 1_000_000))
                    intervals.append(.object([from] + interval.members(compressed: false)))
                }
                return [
                    "metric": .string(key.metric), "tags": key.tags.json,
                    "bucket_ms": .milliseconds(width), "intervals": .array(intervals),
                ]
            })
    }

    /// `values` of a result: metrics that are one number of the run.
    var valuesJSON: JSONValue {
        .array(
            values.keys.sorted(by: Self.comesBefore).compactMap { key in
                guard let value = values[key], let metric = MetricCatalog.named(key.metric) else {
                    return nil
                }
                return [
                    "metric": .string(key.metric), "tags": key.tags.json,
                    "unit": .string(metric.dimension.unit), "value": .number(value),
                ]
            })
    }

    init(series: [ResultFields], values: [ResultFields]) throws(ResultError) {
        let width = series.first?.duration("bucket_ms") ?? .seconds(1)
        guard width >= .seconds(1), width <= .seconds(1 << 20) else {
            throw ResultError(path: "series", reason: "a bucket of \(width) is not ours")
        }
        self.init(width: width)
        for fields in series {
            guard fields.duration("bucket_ms") == width else {
                throw ResultError(path: fields.path, reason: "series of different buckets")
            }
            let key = Key(
                metric: try fields.text("metric"), tags: MetricTags(json: fields.value["tags"]))
            for interval in try fields.objects("intervals") {
                let from = try interval.requiredInstant("from_ms").nanoseconds
                let index = from / width.nanoseconds
                guard from >= 0, index < Int64(Self.intervalLimit) else {
                    throw ResultError(path: interval.path, reason: "outside the run")
                }
                restore(key, index: Int(index), try Interval(interval))
            }
        }
        for fields in values {
            guard let value = fields.double("value") else { continue }
            setValue(
                try fields.text("metric"), MetricTags(json: fields.value["tags"]), to: value)
        }
    }
}

extension MetricCatalog {
    /// The metric's place in the catalog; unknown ones come last.
    package static func place(_ name: String) -> Int {
        all.firstIndex { $0.name == name } ?? all.count
    }
}

extension MetricDescriptor.Dimension {
    /// The unit word of results: what stored integers count is this divided by `StoredUnit.scale`.
    package var unit: String {
        switch self {
        case .time: "ns"
        case .money: "usd"
        case .count: "count"
        case .share: "share"
        case .bytes: "bytes"
        case .bitrate: "bits_per_second"
        case .cores: "cores"
        }
    }
}
