import UproarCore

/// Chunks arrive in small pieces with pauses between them.
package struct LinkSlicerFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "slicer",
        summary: "Chunks arrive in small pieces, with pauses between them.",
        effect: "a chunk was cut up",
        attributes: [
            .init("size", .bytes, isRequired: true, "Of a piece."),
            .init("variation", .bytes, "Up to so much more or less, drawn for each piece."),
            .init("gap", .duration, "Between two pieces; none when not given."),
            LinkAttribute.direction,
        ],
        targets: LinkAttribute.arrows, recovery: .seconds(5), needsTarget: true)

    package let effect: LinkEffect
    package let directions: [LinkDirection]

    package init(_ attributes: FaultAttributes) {
        let size = max(1, Int(attributes.number("size") ?? 1))
        effect = .slice(
            size: size, variation: min(size - 1, Int(attributes.number("variation") ?? 0)),
            gap: attributes.duration("gap") ?? .zero)
        directions = LinkAttribute.directions(attributes)
    }
}
