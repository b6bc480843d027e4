import UproarCore

/// One side hears nothing of the other, and the call stands.
package struct OneWayAudioFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "one_way_audio",
        summary:
            "On uplink the agent hears nothing but silence, on downlink the caller; the call stands.",
        effect: "a frame was silenced", targets: PacketAttribute.legs, recovery: .seconds(10),
        needsTarget: true)

    package let effect = PacketEffect.sound(.silence)

    package init(_ attributes: FaultAttributes) {}
}
