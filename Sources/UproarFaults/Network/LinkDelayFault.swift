import UproarCore

/// Every chunk arrives later.
package struct LinkDelayFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "delay",
        summary: "Every chunk on the arrow arrives later, in order.",
        effect: "a chunk was held back",
        attributes: [
            .init(
                "delay", .distribution, isRequired: true, "How much later, drawn for each chunk."),
            .init("jitter", .duration, "Up to so much more or less, drawn for each chunk."),
            LinkAttribute.direction,
        ],
        targets: LinkAttribute.arrows, recovery: .seconds(5), needsTarget: true)

    package let effect: LinkEffect
    package let directions: [LinkDirection]

    package init(_ attributes: FaultAttributes) {
        effect = .delay(
            attributes.distribution("delay") ?? .constant(.zero),
            jitter: attributes.duration("jitter") ?? .zero)
        directions = LinkAttribute.directions(attributes)
    }
}
