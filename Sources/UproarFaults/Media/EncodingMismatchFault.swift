import UproarCore

/// Audio is made in one form and taken for another, as when 16-bit samples are sent as mu-law: noise, and a recogniser that invents
/// words.
package struct EncodingMismatchFault: PacketFault {
    package static let descriptor = FaultDescriptor(
        name: "encoding_mismatch",
        summary:
            "Audio is made in another form than both sides agreed on, and taken for that all the same.",
        effect: "a frame was of the wrong form",
        attributes: [
            .init(
                "sent_as", .word(AudioEncoding.allCases.map(\.rawValue)),
                "What it really is; linear16 when neither this nor rate is given."),
            .init(
                "rate", .integer(8_000...48_000),
                "Its real rate in Hz; the agreed one when not given."),
        ],
        targets: PacketAttribute.legs, recovery: .seconds(10), needsTarget: true)

    package let effect: PacketEffect

    package init(_ attributes: FaultAttributes) {
        let rate = attributes.integer("rate").map { Hertz($0) }
        let encoding =
            attributes.text("sent_as").flatMap(AudioEncoding.init)
            ?? (rate == nil ? .linear16 : .mulaw)
        effect = .sound(.mismatch(encoding, rate: rate))
    }
}
