import UproarCore

/// As if the cable were cut: nothing passes and no connection comes about. TCP sends again what was lost, so what was held
/// back passes once the partition has healed.
package struct LinkPartitionFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "partition",
        summary:
            "As if the cable were cut, both ways or one: nothing passes, no connection comes about.",
        effect: "a chunk or a connection was held back", attributes: [LinkAttribute.direction],
        targets: LinkAttribute.arrows, recovery: .seconds(10), needsTarget: true)

    package let effect = LinkEffect.hold
    package let admission = LinkAdmission.wait
    package let directions: [LinkDirection]

    package init(_ attributes: FaultAttributes) {
        directions = LinkAttribute.directions(attributes)
    }
}
