import UproarCore

/// One decision of a fault about one passage, as it stands in the evidence: the same plan, key and index come to the same.
package struct FaultDecision: Hashable, Sendable {
    package var fault: String
    package var at: Instant
    package var isHit: Bool
    package var passage: FaultPassage
    package var unit: FaultScope.Unit
    /// The first draw of the decision's stream; nil when no dice were asked.
    package var drawn: UInt64?
    /// Decisions behind this one that found no room.
    package var leftOut = 0

    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("fault", .string(fault)), .init("at_ns", .integer(at.nanoseconds)),
            .init("hit", .bool(isHit)), .init("per", .string(unit.rawValue)),
            .init("key", .string(String(passage.key))),
            .init("index", .string(String(passage.index))),
            .init("position", .string(String(passage.chunk))),
            .init("drawn", drawn.map { .string(String($0)) } ?? .null),
            .init("on", .string(passage.names.first ?? "")),
        ]
        if let call = passage.call { members.append(.init("call", .integer(Int64(call)))) }
        for field in passage.fields { members.append(.init(field.key, .string(field.value))) }
        if leftOut > 0 { members.append(.init("left_out", .integer(Int64(leftOut)))) }
        return .object(members)
    }
}
