import UproarCore

/// What one value of a key can be.
enum RedisValue {
    case string([UInt8])
    case list([[UInt8]])
    case hash(OrderedTable<[UInt8], [UInt8]>)
    case set(OrderedTable<[UInt8], Bool>)

    var isEmpty: Bool {
        switch self {
        case .string: false
        case .list(let items): items.isEmpty
        case .hash(let fields): fields.isEmpty
        case .set(let members): members.isEmpty
        }
    }

    /// As `TYPE` calls it.
    var kind: String {
        switch self {
        case .string: "string"
        case .list: "list"
        case .hash: "hash"
        case .set: "set"
        }
    }
}

/// The keys of one numbered database, with the times at which they expire (to the millisecond, as in Redis).
struct RedisDatabase {
    private struct Entry {
        var value: RedisValue
        var expiresAt: Instant?
    }

    /// Never iterated but to remove what has expired, so that its order cannot show.
    private var entries: [[UInt8]: Entry] = [:]
    private var writesUntilSweep = sweepInterval
    private static let sweepInterval = 1024

    mutating func value(_ key: [UInt8], at now: Instant) -> RedisValue? {
        guard let entry = entries[key] else { return nil }
        if let expiresAt = entry.expiresAt, expiresAt <= now {
            entries[key] = nil
            return nil
        }
        return entry.value
    }

    /// Puts a new value in place of the old one; the key no longer expires.
    mutating func set(
        _ key: [UInt8], _ value: RedisValue, expiresAt: Instant? = nil, at now: Instant
    ) {
        entries[key] = Entry(value: value, expiresAt: expiresAt)
        writesUntilSweep -= 1
        if writesUntilSweep <= 0 { sweep(at: now) }
    }

    /// Changes a value and leaves its time; a list, hash or set that becomes empty is gone.
    mutating func update(_ key: [UInt8], _ value: RedisValue, at now: Instant) {
        let expiresAt = self.value(key, at: now) == nil ? nil : entries[key]?.expiresAt
        if value.isEmpty {
            entries[key] = nil
        } else {
            set(key, value, expiresAt: expiresAt, at: now)
        }
    }

    @discardableResult
    mutating func remove(_ key: [UInt8], at now: Instant) -> Bool {
        defer { entries[key] = nil }
        return value(key, at: now) != nil
    }

    /// False when there is no such key. Nil keeps it for ever.
    mutating func expire(_ key: [UInt8], at instant: Instant?, now: Instant) -> Bool {
        guard value(key, at: now) != nil else { return false }
        entries[key]?.expiresAt = instant
        return true
    }

    /// When the key expires; nil for never or no such key.
    mutating func expiry(of key: [UInt8], at now: Instant) -> Instant? {
        value(key, at: now) == nil ? nil : entries[key]?.expiresAt
    }

    mutating func count(at now: Instant) -> Int {
        sweep(at: now)
        return entries.count
    }

    private mutating func sweep(at now: Instant) {
        entries = entries.filter { $0.value.expiresAt.map { $0 > now } ?? true }
        writesUntilSweep = Self.sweepInterval
    }
}
