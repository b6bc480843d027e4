import UproarCore

/// A way that bytes take between two parts of a run, from who dials to who listens: `agent->redis`. What `on` of a fault in
/// a link names.
package struct LinkArrow: Hashable, Sendable, CustomStringConvertible {
    package var from: String
    package var to: String

    package init(from: String, to: String) {
        self.from = from
        self.to = to
    }

    /// nil when the text names none of `all`.
    package init?(_ text: String) {
        guard let known = Self.all.first(where: { $0.description == text }) else { return nil }
        self = known
    }

    package var description: String { "\(from)->\(to)" }

    package static let callersToAgent = LinkArrow(from: "callers", to: "agent")
    package static let agentToRedis = LinkArrow(from: "agent", to: ProviderID.redis.name)

    package var isRedis: Bool { to == ProviderID.redis.name }

    /// Every arrow that a run can put a link on: a literal list.
    package static let all: [LinkArrow] =
        [.callersToAgent]
        + ProviderID.allCases.map { LinkArrow(from: "agent", to: $0.name) }
}

/// Which way bytes go on an arrow: `up` is from who dialled to who listens.
package enum LinkDirection: String, CaseIterable, Hashable, Sendable {
    case up, down

    package var opposite: LinkDirection { self == .up ? .down : .up }
}
