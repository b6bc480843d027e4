import UproarCore

/// Packets are lost in bursts.
package struct PacketBurstLossFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "burst_loss",
        summary: "Frames of audio are lost in bursts (Gilbert-Elliott: a good and a bad state).",
        effect: "a frame was lost",
        attributes: [
            .init("enter", .chance, "From good to bad, for each frame; 1% when not given."),
            .init(
                "leave", .chance, "From bad to good; 25%, bursts of 4 frames, when not given."),
            .init("good_loss", .chance, "Lost while good; none when not given."),
            .init("bad_loss", .chance, "Lost while bad; all when not given."),
            PacketAttribute.conceal,
        ],
        targets: PacketAttribute.legs, recovery: .seconds(5), needsTarget: true)

    package let effect: PacketEffect

    package init(_ attributes: FaultAttributes) {
        effect = .burstLoss(
            GilbertElliott(
                enter: attributes.chance("enter") ?? Chance(1, of: 100),
                leave: attributes.chance("leave") ?? Chance(1, of: 4),
                goodLoss: attributes.chance("good_loss") ?? Chance(0, of: 1),
                badLoss: attributes.chance("bad_loss") ?? .always),
            PacketAttribute.concealment(attributes))
    }
}
