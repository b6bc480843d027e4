import UproarCore

/// The end of a stream is told late.
package struct LinkSlowCloseFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "slow_close",
        summary: "The end of a stream is told so much later.",
        effect: "an end was held back",
        attributes: [
            .init("delay", .duration, isRequired: true, "How much later."),
            LinkAttribute.direction,
        ],
        targets: LinkAttribute.arrows, recovery: .seconds(5), needsTarget: true)

    package let effect: LinkEffect
    package let directions: [LinkDirection]

    package init(_ attributes: FaultAttributes) {
        effect = .lateEnd(attributes.duration("delay") ?? .zero)
        directions = LinkAttribute.directions(attributes)
    }
}
