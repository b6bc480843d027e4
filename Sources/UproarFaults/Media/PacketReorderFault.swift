import UproarCore

/// Some packets are overtaken by those behind them.
package struct PacketReorderFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "reorder",
        summary: "Frames of audio are overtaken by those behind them; p says how many.",
        effect: "a frame was overtaken",
        attributes: [
            .init("by", .duration, "How much later they come; 25ms, one frame, when not given.")
        ],
        targets: PacketAttribute.legs, recovery: .seconds(5), needsTarget: true)

    package let effect: PacketEffect

    package init(_ attributes: FaultAttributes) {
        effect = .late(attributes.duration("by") ?? .milliseconds(25))
    }
}
