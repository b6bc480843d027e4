import UproarCore

/// Packets arrive later, each by its own draw.
package struct PacketDelayFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "jitter",
        summary: "Frames of audio arrive later, each by its own draw, in order.",
        effect: "a frame was held back",
        attributes: [
            .init(
                "delay", .distribution, isRequired: true, "How much later, drawn for each frame.")
        ],
        targets: PacketAttribute.legs, recovery: .seconds(5), needsTarget: true)

    package let effect: PacketEffect

    package init(_ attributes: FaultAttributes) {
        effect = .delay(attributes.distribution("delay") ?? .constant(.zero))
    }
}
