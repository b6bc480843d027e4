import UproarCore

/// Nothing passes on connections that stand; what was held back passes afterwards.
package struct LinkStallFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "stall",
        summary:
            "Nothing passes, neither bytes nor the end of a stream, until it is over; then all of it does.",
        effect: "a chunk was held back", attributes: [LinkAttribute.direction],
        targets: LinkAttribute.arrows, recovery: .seconds(10), needsTarget: true)

    package let effect = LinkEffect.hold
    package let directions: [LinkDirection]

    package init(_ attributes: FaultAttributes) {
        directions = LinkAttribute.directions(attributes)
    }
}
