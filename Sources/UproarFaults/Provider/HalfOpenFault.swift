import UproarCore

/// The connection stays up, and nothing is read, written or ponged on it any more.
package struct HalfOpenFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "half_open",
        summary: "The connection stays up, and nothing is read, written or ponged on it any more.",
        effect: "a stream went dead",
        attributes: ProviderAttribute.position + [
            .init(
                "connects", .word(["refuse", "mute", "pass"]),
                "New connections meanwhile: refused with 503, accepted and mute (the default), or as ever."
            )
        ],
        targets: ProviderAttribute.streams, recovery: .seconds(10))
    package static let unit = FaultScope.Unit.connection

    let position: AnswerShape.Position
    let connects: String

    package init(_ attributes: FaultAttributes) {
        position = ProviderAttribute.position(attributes)
        connects = attributes.text("connects") ?? "mute"
    }

    package func verdict(on passage: FaultPassage, _ random: inout RandomStream) -> ProviderVerdict
    {
        switch connects {
        case "refuse": .refuse(status: 503)
        case "pass": .pass
        // A position in the answer: it must begin first.
        default: position == .chunks(0) ? .mute : .pass
        }
    }
    package func shape(_ random: inout RandomStream) -> AnswerShape? { .halfOpen(after: position) }
}
