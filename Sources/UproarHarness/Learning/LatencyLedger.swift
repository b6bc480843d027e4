import UproarCore

/// What a person's traces tell of their providers' latencies, by provider and operation, with all that was left out and why.
struct LatencyLedger {
    /// Which time of an operation.
    enum Time: String, CaseIterable {
        /// From the request to the first content.
        case first
        /// From the dial to the connection.
        case connect
    }

    struct Key: Hashable {
        var provider: ProviderID
        var operation: String
        var time = Time.first
    }

    /// One operation's times: values one by one, or what buckets say.
    struct Entry {
        var values: [Duration] = []
        var buckets: BucketCurve?
        var count: Int { values.count + Int(buckets?.count ?? 0) }
    }

    private(set) var entries = OrderedTable<Key, Entry>()
    /// Reasons for what was left out, with how often.
    private(set) var leftOut = OrderedTable<String, Int>()

    /// More values of one operation than this are not kept.
    static let valueLimit = 1_000_000

    mutating func add(_ value: Duration, _ key: Key) {
        guard value >= .zero else { return leave("times below zero") }
        guard (entries[key]?.values.count ?? 0) < Self.valueLimit else {
            return leave("values of \(key.provider.name) \(key.operation) above \(Self.valueLimit)")
        }
        entries[key, default: Entry()].values.append(value)
    }

    mutating func add(_ curve: BucketCurve, _ key: Key) {
        entries[key, default: Entry()].buckets = curve
    }

    mutating func leave(_ reason: String, times: Int = 1) {
        leftOut[reason, default: 0] += times
    }

    // MARK: Names

    /// The operation that stands for a provider where a trace names none.
    static func usual(_ provider: ProviderID, role: ProviderRole? = nil) -> String {
        let known = ProviderOperation.of(provider)
        let fitting = role.flatMap { role in known.first { $0.role == role } }
        return (fitting ?? known.first)?.name ?? ProviderOperation.other
    }

    /// The key a trace's own words name; nil (and counted) when this knows no such provider or operation.
    mutating func key(
        provider word: String, operation: String?, role: ProviderRole? = nil, time: Time = .first
    ) -> Key? {
        guard let provider = Self.provider(word) else {
            leave("of unknown providers (\(word.prefix(40)))")
            return nil
        }
        guard let operation, !operation.isEmpty else {
            return Key(
                provider: provider, operation: Self.usual(provider, role: role), time: time)
        }
        guard ProviderOperation.named(operation, of: provider) != nil else {
            leave("of unknown operations (\(provider.name) \(operation.prefix(40)))")
            return nil
        }
        return Key(provider: provider, operation: operation, time: time)
    }

    /// A provider by its name here, its host, or a class or label that holds its name.
    static func provider(_ word: String) -> ProviderID? {
        let word = word.lowercased()
        if let exact = ProviderID(name: word) { return exact }
        let marks: [(String, ProviderID)] = [
            ("deepgram", .deepgram), ("assemblyai", .assemblyai), ("whisper", .whisper),
            ("openai", .openai), ("anthropic", .anthropic), ("cartesia", .cartesia),
            ("elevenlabs", .elevenlabs), ("eleven_labs", .elevenlabs),
            ("amazonaws.com", .objectStore),
            ("twilio.com", .sms),
        ]
        return marks.first { word.contains($0.0) }?.1
    }
}
