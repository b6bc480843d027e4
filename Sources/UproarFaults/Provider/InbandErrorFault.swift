import UproarCore

/// An error inside an answer that began as a success.
package struct InbandErrorFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "inband_error",
        summary: "An error inside an answer that began as a success.",
        effect: "an error was sent within an answer",
        attributes: ProviderAttribute.position + [
            .init("then", .word(["end", "continue"]), "What follows; end when not given.")
        ],
        targets: ProviderAttribute.streams, recovery: .seconds(10))

    let position: AnswerShape.Position
    let ends: Bool

    package init(_ attributes: FaultAttributes) {
        position = ProviderAttribute.position(attributes, otherwise: .chunks(1))
        ends = attributes.text("then") != "continue"
    }

    package func shape(_ random: inout RandomStream) -> AnswerShape? {
        .error(after: position, ends: ends)
    }
}
