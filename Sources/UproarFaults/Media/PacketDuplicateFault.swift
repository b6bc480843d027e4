import UproarCore

/// Some packets come twice.
package struct PacketDuplicateFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "duplicate", summary: "Frames of audio come twice; p says how many.",
        effect: "a frame came twice", targets: PacketAttribute.legs, recovery: .seconds(5),
        needsTarget: true)

    package let effect = PacketEffect.duplicate

    package init(_ attributes: FaultAttributes) {}
}
