import UproarCore

/// A fault on packets: settings, and the one thing that it does. `p` is drawn for each packet.
package protocol PacketFault: Sendable {
    static var descriptor: FaultDescriptor { get }
    init(_ attributes: FaultAttributes)
    var effect: PacketEffect { get }
}

/// The faults on packets: a literal list.
package enum PacketFaultCatalog {
    package static let all: [any PacketFault.Type] = [
        PacketLossFault.self, PacketBurstLossFault.self, PacketDelayFault.self,
        PacketReorderFault.self, PacketDuplicateFault.self, PacketCorruptFault.self,
        PacketRateFault.self, SoundGainFault.self, SoundClippingFault.self, OneWayAudioFault.self,
        EncodingMismatchFault.self,
    ]

    package static func named(_ name: String) -> (any PacketFault.Type)? {
        all.first { $0.descriptor.name == name }
    }
}

/// Attributes and targets that several packet faults share.
enum PacketAttribute {
    /// What callers say, and what they hear.
    static let legs = ["uplink", "downlink"]
    static let conceal = FaultDescriptor.Attribute(
        "conceal", .word(Concealment.allCases.map(\.rawValue)),
        "What stands in for a lost frame: silence (the default) or nothing, and the rest moves up.")

    static func concealment(_ attributes: FaultAttributes) -> Concealment {
        attributes.text("conceal").flatMap(Concealment.init) ?? .silence
    }
}
