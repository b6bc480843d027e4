import UproarCore

/// Packets are lost, each by itself: `p` says how many.
package struct PacketLossFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "loss", summary: "Frames of audio are lost, each by itself; p says how many.",
        effect: "a frame was lost", attributes: [PacketAttribute.conceal],
        targets: PacketAttribute.legs, recovery: .seconds(5), needsTarget: true)

    package let effect: PacketEffect

    package init(_ attributes: FaultAttributes) {
        effect = .loss(PacketAttribute.concealment(attributes))
    }
}
