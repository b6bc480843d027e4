import UproarCore

/// A byte of some packets is another.
package struct PacketCorruptFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "corrupt", summary: "A byte in frames of audio is another; p says in how many.",
        effect: "a frame was changed", targets: PacketAttribute.legs, recovery: .seconds(5),
        needsTarget: true)

    package let effect = PacketEffect.corrupt

    package init(_ attributes: FaultAttributes) {}
}
