import UproarCore

/// What Toxiproxy calls `timeout`: bytes are lost while it lasts, and the connection ends after a while or when it is removed.
/// Only its control interface arms it; a timeline has `stall`, `partition` and `half_open`, which say what they mean.
package struct LinkSwallowFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "timeout",
        summary: "Bytes are taken and lost; the connection ends after a while.",
        effect: "bytes were lost",
        attributes: [
            .init("timeout", .duration, "Until the connection is closed; never when not given."),
            LinkAttribute.direction,
        ],
        targets: LinkAttribute.arrows, recovery: .seconds(5), needsTarget: true)

    package let effect: LinkEffect
    package let directions: [LinkDirection]

    package init(_ attributes: FaultAttributes) {
        effect = .swallow(endAfter: attributes.duration("timeout"))
        directions = LinkAttribute.directions(attributes)
    }
}
