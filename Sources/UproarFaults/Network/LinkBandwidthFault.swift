import UproarCore

/// No more than so many bits a second, on each connection and in each direction for itself.
package struct LinkBandwidthFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "bandwidth",
        summary:
            "Each connection on the arrow carries no more than so many bits a second each way.",
        effect: "a chunk took its time",
        attributes: [
            .init("rate", .bitrate, isRequired: true, "Such as 64kbps."),
            LinkAttribute.direction,
        ],
        targets: LinkAttribute.arrows, recovery: .seconds(5), needsTarget: true)

    package let effect: LinkEffect
    package let directions: [LinkDirection]

    package init(_ attributes: FaultAttributes) {
        effect = .rate(bytesPerSecond: max(1, (attributes.number("rate") ?? 8) / 8))
        directions = LinkAttribute.directions(attributes)
    }
}
