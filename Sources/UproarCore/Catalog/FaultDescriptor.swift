/// One fault, as timelines name it and `uproar list faults` shows it: written for a person on call.
package struct FaultDescriptor: Hashable, Sendable {
    package var name: String
    /// One line.
    package var summary: String
    /// What proves that it bit.
    package var effect: String
    package var attributes: [Attribute]
    /// What `on` may name: roles, providers, links, processes; empty: anything.
    package var targets: [String]
    /// How long after its end its effects may last: the least time left to watch before the run ends.
    package var recovery: Duration
    /// What the run must be allowed to do, in words; nil when nothing special.
    package var privilege: String?
    /// `on` must name something: it acts on nothing by itself.
    package var needsTarget = false

    package struct Attribute: Hashable, Sendable {
        package var name: String
        package var kind: Kind
        package var isRequired: Bool
        package var summary: String

        package init(_ name: String, _ kind: Kind, isRequired: Bool = false, _ summary: String) {
            self.name = name
            self.kind = kind
            self.isRequired = isRequired
            self.summary = summary
        }
    }

    package enum Kind: Hashable, Sendable {
        case duration
        case distribution
        /// A whole number in this range.
        case integer(ClosedRange<Int>)
        /// `30%` or `1/200`.
        case chance
        case bytes
        case bitrate
        case tokensPerSecond
        /// `4x`.
        case factor
        case onOff
        case word([String])
        case text
    }

    /// The value of an attribute, read by its kind.
    package enum Value: Hashable, Sendable {
        case duration(Duration)
        case distribution(Distribution)
        case integer(Int)
        case chance(Chance)
        case number(Double)
        case isOn(Bool)
        case text(String)
    }

    /// The fault of this name that acts on all these targets; else the first of the name. Several may share one: a WebSocket at a
    /// provider goes half-open, and so does a connection on a link.
    package static func named(
        _ name: String, on targets: [String], among all: [FaultDescriptor]
    ) -> FaultDescriptor? {
        let named = all.filter { $0.name == name }
        return named.first { fault in
            targets.isEmpty
                ? !fault.needsTarget
                : fault.targets.isEmpty || targets.allSatisfy(fault.targets.contains)
        } ?? named.first
    }

    package init(
        name: String, summary: String, effect: String, attributes: [Attribute] = [],
        targets: [String] = [], recovery: Duration = .seconds(10), privilege: String? = nil,
        needsTarget: Bool = false
    ) {
        self.name = name
        self.summary = summary
        self.effect = effect
        self.attributes = attributes
        self.targets = targets
        self.recovery = recovery
        self.privilege = privilege
        self.needsTarget = needsTarget
    }
}
