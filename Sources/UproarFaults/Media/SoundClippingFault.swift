import UproarCore

/// What is said arrives louder than samples can hold.
package struct SoundClippingFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "clipping", summary: "Audio arrives overdriven, its peaks cut off.",
        effect: "a frame was changed",
        attributes: [.init("factor", .factor, "How much louder; 16x when not given.")],
        targets: PacketAttribute.legs, recovery: .seconds(5), needsTarget: true)

    package let effect: PacketEffect

    package init(_ attributes: FaultAttributes) {
        effect = .sound(.clipping(attributes.number("factor") ?? 16))
    }
}
