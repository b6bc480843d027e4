import UproarCore

/// What every OTLP message of one run says of it (OpenTelemetry protocol 1.x, JSON encoding: ids are hexadecimal, 64-bit
/// numbers are strings).
package struct OTLPRun: Sendable {
    package var scenario: String
    package var seed: UInt64
    package var commit: String
    package var version: String
    /// The first due arrival, in nanoseconds since 1970.
    package var origin: Int64

    package init(scenario: String, seed: UInt64, commit: String, version: String, origin: Int64) {
        self.scenario = scenario
        self.seed = seed
        self.commit = commit
        self.version = version
        self.origin = origin
    }

    var resource: JSONValue {
        [
            "attributes": Self.attributes([
                ("service.name", .string("uproar")), ("service.version", .string(version)),
                ("uproar.scenario", .string(scenario)), ("uproar.seed", .string(String(seed))),
                ("uproar.commit", .string(commit)),
            ])
        ]
    }

    var scope: JSONValue { ["name": .string("uproar"), "version": .string(version)] }

    /// Text, whole numbers, numbers and booleans.
    static func attributes(_ pairs: [(String, JSONValue)]) -> JSONValue {
        .array(
            pairs.map { key, value in
                let typed: JSONValue =
                    switch value {
                    case .integer(let number): ["intValue": .string(String(number))]
                    case .number: ["doubleValue": value]
                    case .bool: ["boolValue": value]
                    default: ["stringValue": value]
                    }
                return ["key": .string(key), "value": typed]
            })
    }

    func unix(_ instant: Instant) -> JSONValue {
        .string(String(origin + (instant - Instant.zero).nanoseconds))
    }
}
