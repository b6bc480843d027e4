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

/// Where a link's fault took effect, as the value of its fact holds it.
package struct LinkSite: Hashable, Sendable {
    package var arrow: LinkArrow
    /// The port that the connection was dialled from, as who accepts it behind the link sees it; of callers, as the link does. 0: not
    /// one connection, or one that was never led on.
    package var port: UInt16
    /// nil: the connection as a whole.
    package var direction: LinkDirection?

    package init(_ arrow: LinkArrow, port: UInt16, direction: LinkDirection?) {
        self.arrow = arrow
        self.port = port
        self.direction = direction
    }

    /// Port, then two bits of direction (1 up, 2 down), then the arrow's place in `LinkArrow.all`.
    package var value: Int64 {
        let way: Int64 =
            switch direction {
            case nil: 0
            case .up: 1
            case .down: 2
            }
        let place = LinkArrow.all.firstIndex(of: arrow) ?? 0
        return Int64(port) | way << 16 | Int64(place) << 18
    }

    /// nil when it is none.
    package init?(value: Int64) {
        let place = Int(value >> 18)
        guard value >= 0, LinkArrow.all.indices.contains(place) else { return nil }
        arrow = LinkArrow.all[place]
        port = UInt16(truncatingIfNeeded: value)
        switch value >> 16 & 3 {
        case 1: direction = .up
        case 2: direction = .down
        default: direction = nil
        }
    }
}
