import UproarCore

/// Some calls of a run with what runs are compared by, so that a comparison can draw whole calls: turns of one call resemble
/// each other, and counting them one by one would make any two runs look different.
///
/// Keeps the calls with the least hash of their id: a fair draw of fixed size, the same however the calls came in or were sharded.
package struct CallDraw: Sendable, Hashable {
    /// About 300 KB of a result. Half as many would widen intervals by 1.4.
    package static let limit = 4000
    /// Turns of a call beyond these are left out: a day-long call must not fill the memory.
    package static let turnLimit = 64

    package struct Entry: Sendable, Hashable {
        package var call: UInt32
        /// In microseconds; a reply that never came stands with the caller's patience.
        package var voiceToVoice: [Int64] = []
        package var voiceToAnswer: [Int64] = []
        /// Intended start to the answer; nil when there was none.
        package var setup: Int64?
        package var owed: UInt32 = 0
        /// Turns lost, late, doubled, stale, cut or crossed.
        package var bad: UInt32 = 0
        package var nanoDollars: Int64?
        package var connected: Duration = .zero

        package init(call: UInt32) { self.call = call }
    }

    /// Calls from which these were drawn.
    package private(set) var population: UInt64 = 0
    private var kept = Heap<Ranked>()

    package init() {}

    package var isEmpty: Bool { population == 0 }

    /// By call id.
    package var entries: [Entry] {
        var heap = kept
        var entries: [Entry] = []
        while let next = heap.popFirst() { entries.append(next.entry) }
        return entries.sorted { $0.call < $1.call }
    }

    package mutating func add(_ call: CallRecord) {
        // A call the run itself cut is not whole; one that was never due is not of the plan.
        guard call.due != nil, call.outcome != .cutByRun else { return }
        insert(Entry(call))
    }

    /// Adds the calls of another run of the same scenario, so that both are drawn from as one: calls of two runs have the same
    /// ids, which `round` (below 2^14) keeps apart. Round 0 keeps its ids.
    package mutating func add(_ other: CallDraw, round: Int) {
        let entries = other.entries
        for var entry in entries {
            entry.call |= UInt32(truncatingIfNeeded: round) << 18
            insert(entry)
        }
        population += other.population - UInt64(entries.count)
    }

    /// More calls would push others out, and say no more than these.
    package var isFull: Bool { kept.count >= Self.limit }

    private mutating func insert(_ entry: Entry) {
        population += 1
        kept.insert(Ranked(rank: Self.rank(entry.call), entry: entry))
        if kept.count > Self.limit { _ = kept.popFirst() }
    }

    /// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014), the finaliser.
    private static func rank(_ call: UInt32) -> UInt64 {
        var x = (UInt64(call) &+ 1) &* 0x9e37_79b9_7f4a_7c15
        x = (x ^ (x >> 30)) &* 0xbf58_476d_1ce4_e5b9
        x = (x ^ (x >> 27)) &* 0x94d0_49bb_1331_11eb
        return x ^ (x >> 31)
    }

    /// The greatest rank comes first, to be dropped first.
    private struct Ranked: Comparable, Sendable, Hashable {
        var rank: UInt64
        var entry: Entry

        static func < (a: Ranked, b: Ranked) -> Bool { a.rank > b.rank }
        static func == (a: Ranked, b: Ranked) -> Bool { a.rank == b.rank }
        func hash(into hasher: inout Hasher) { hasher.combine(rank) }
    }

    package static func == (a: CallDraw, b: CallDraw) -> Bool {
        a.population == b.population && a.entries == b.entries
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(population) }
}

extension CallDraw.Entry {
    init(_ record: CallRecord) {
        self.init(call: record.id)
        for turn in record.turns {
            if turn.outcome != .open {
                owed += 1
                let isWrong = !turn.marks.isDisjoint(
                    with: [.duplicated, .stale, .truncated, .crossTalked])
                bad += turn.outcome != .answered || isWrong ? 1 : 0
            }
            guard voiceToVoice.count < CallDraw.turnLimit else { continue }
            if let sample = turn.voiceToVoice { voiceToVoice.append(Self.microseconds(sample)) }
            if let sample = turn.voiceToAnswer { voiceToAnswer.append(Self.microseconds(sample)) }
        }
        setup = record.setup.map { $0.nanoseconds / 1000 }
        nanoDollars = record.cost.map { StoredUnit.stored($0, .money) }
        connected = record.connected
    }

    private static func microseconds(_ sample: TurnSample) -> Int64 {
        switch sample {
        case .exact(let value): value.nanoseconds / 1000
        case .atLeast(let limit): limit.nanoseconds / 1000
        }
    }
}

/// `call_draw` of a result: columns, because thousands of objects with names would be most of the file.
extension CallDraw {
    var json: JSONValue {
        let entries = entries
        func column(_ value: (Entry) -> JSONValue) -> JSONValue { .array(entries.map(value)) }
        func numbers(_ values: [Int64]) -> JSONValue { .array(values.map { .integer($0) }) }
        return [
            "population": .count(population),
            "call": column { .integer(Int64($0.call)) },
            "owed": column { .integer(Int64($0.owed)) },
            "bad": column { .integer(Int64($0.bad)) },
            "setup_us": column { $0.setup.map { .integer($0) } ?? .null },
            "nano_usd": column { $0.nanoDollars.map { .integer($0) } ?? .null },
            "connected_ms": column { .integer($0.connected.nanoseconds / 1_000_000) },
            "voice_to_voice_us": column { numbers($0.voiceToVoice) },
            "voice_to_answer_us": column { numbers($0.voiceToAnswer) },
        ]
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init()
        func column(_ name: String, _ count: Int?) throws(ResultError) -> [JSONValue] {
            guard let items = fields.value[name]?.items, count == nil || items.count == count else {
                throw ResultError(path: "\(fields.path).\(name)", reason: "a column is missing")
            }
            return items
        }
        func numbers(_ value: JSONValue) -> [Int64] {
            (value.items ?? []).prefix(Self.turnLimit).compactMap { $0.int.map(Int64.init) }
        }
        let calls = try column("call", nil)
        guard calls.count <= Self.limit else {
            throw ResultError(path: "\(fields.path).call", reason: "too many calls")
        }
        let owed = try column("owed", calls.count)
        let bad = try column("bad", calls.count)
        let setup = try column("setup_us", calls.count)
        let cost = try column("nano_usd", calls.count)
        let connected = try column("connected_ms", calls.count)
        let voice = try column("voice_to_voice_us", calls.count)
        let answer = try column("voice_to_answer_us", calls.count)
        for place in calls.indices {
            var entry = Entry(call: UInt32(clamping: calls[place].int ?? 0))
            entry.owed = UInt32(clamping: owed[place].int ?? 0)
            entry.bad = UInt32(clamping: bad[place].int ?? 0)
            entry.setup = setup[place].int.map(Int64.init)
            entry.nanoDollars = cost[place].int.map(Int64.init)
            entry.connected = .milliseconds(max(0, min(1 << 40, connected[place].int ?? 0)))
            entry.voiceToVoice = numbers(voice[place])
            entry.voiceToAnswer = numbers(answer[place])
            insert(entry)
        }
        population = max(fields.count("population"), UInt64(calls.count))
    }
}
