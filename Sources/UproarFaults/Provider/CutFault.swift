import UproarCore

/// The connection ends in the middle of an answer.
package struct CutFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "cut_at",
        summary: "The connection ends in the middle of an answer.",
        effect: "an answer was cut",
        attributes: ProviderAttribute.position + [
            .init(
                "how", .word(["fin", "reset", "close"]),
                "In order, by reset (the default), or with a close frame."),
            .init("code", .integer(1000...4999), "Of the close frame; 1011 when not given."),
        ],
        targets: ProviderAttribute.streams, recovery: .seconds(10))

    let position: AnswerShape.Position
    let how: AnswerShape.Cut

    package init(_ attributes: FaultAttributes) {
        position = ProviderAttribute.position(attributes)
        how =
            switch attributes.text("how") {
            case "fin": .fin
            case "close": .close(UInt16(clamping: attributes.integer("code") ?? 1011))
            default: .reset
            }
    }

    package func shape(_ random: inout RandomStream) -> AnswerShape? {
        .cut(after: position, how: how)
    }
}
