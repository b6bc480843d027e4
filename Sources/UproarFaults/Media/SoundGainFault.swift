import UproarCore

/// What is said arrives louder or softer.
package struct SoundGainFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "gain", summary: "Audio arrives louder or softer.", effect: "a frame was changed",
        attributes: [
            .init("factor", .factor, isRequired: true, "Such as 0.1x: a tenth of the amplitude.")
        ],
        targets: PacketAttribute.legs, recovery: .seconds(5), needsTarget: true)

    package let effect: PacketEffect

    package init(_ attributes: FaultAttributes) {
        effect = .sound(.gain(attributes.number("factor") ?? 1))
    }
}
