import UproarCore

/// A narrow way with a queue before it.
package struct PacketRateFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "narrow",
        summary: "Frames of audio pass at no more than a rate; what would wait too long is lost.",
        effect: "a frame waited or was lost",
        attributes: [
            .init("rate", .bitrate, isRequired: true, "Such as 32kbps."),
            .init("queue", .duration, "The longest wait; 200ms when not given."),
        ],
        targets: PacketAttribute.legs, recovery: .seconds(5), needsTarget: true)

    package let effect: PacketEffect

    package init(_ attributes: FaultAttributes) {
        effect = .rate(
            bytesPerSecond: max(1, (attributes.number("rate") ?? 8) / 8),
            queue: attributes.duration("queue") ?? .milliseconds(200))
    }
}
