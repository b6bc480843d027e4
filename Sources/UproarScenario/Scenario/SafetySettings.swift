import UproarCore

/// What `safety:` says: how far the faults of a scenario may go.
package struct SafetySettings: Hashable, Sendable {
    /// Must stand in UPROAR_ENVIRONMENT where the run is started; nil: not asked, but for targets beyond this machine.
    package var environment: String?
    /// Hosts beyond this machine that faults may meet, by name.
    package var allowed: [String] = []
    /// No fault may be aimed at a larger share of what it can meet; nil: half, and all of what is on this machine.
    package var maximumShare: Chance?
    /// Bytes of free memory below which nothing is injected and a run ends.
    package var memoryFloor: Int64 = 256 << 20
    /// Processors that pressure must leave to the run.
    package var headroom = 0.5
    /// More dropped calls than these end the run; nil: any number.
    package var droppedCalls: Int?

    package init() {}

    /// Absent from `resolved` where nothing was said, so that no other scenario's hash moves.
    package var json: JSONValue? {
        guard self != SafetySettings() else { return nil }
        return .object([
            .init("environment", environment.map { .string($0) } ?? .null),
            .init("allow", .array(allowed.map { .string($0) })),
            .init("max_share", maximumShare.map { .string($0.text) } ?? .null),
            .init("memory_floor", .integer(memoryFloor)),
            .init("cpu_headroom", .number(headroom)),
            .init("dropped_calls", droppedCalls.map { .integer(Int64($0)) } ?? .null),
        ])
    }
}

extension ScenarioReader {
    static let safetyKeys = [
        "environment", "allow", "max_share", "memory_floor", "cpu_headroom", "dropped_calls",
    ]

    func safety(_ map: MapReader) -> SafetySettings {
        var safety = SafetySettings()
        guard
            let map = map.map("safety", keys: Self.safetyKeys, page: "docs/faults.md#safety")
        else { return safety }
        safety.environment = map.value("environment", ScalarText.text)
        safety.allowed = map.texts("allow").compactMap(\.scalar)
        safety.maximumShare = map.value("max_share", ScalarText.chance)
        if let floor = map.value(
            "memory_floor",
            { text throws(TextProblem) in try QuantityText.parse(text, .bytes) })
        {
            safety.memoryFloor = Int64(floor)
        }
        if let cores = map.value(
            "cpu_headroom",
            { text throws(TextProblem) in try QuantityText.parse(text, .cores) })
        {
            safety.headroom = cores
        }
        safety.droppedCalls = map.value("dropped_calls") { text throws(TextProblem) in
            try ScalarText.integer(text, in: 0...1_000_000)
        }
        return safety
    }
}
