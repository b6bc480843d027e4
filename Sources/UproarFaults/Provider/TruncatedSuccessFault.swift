import UproarCore

/// Answers end in order too soon.
package struct TruncatedSuccessFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "truncated_success",
        summary: "Answers end in order too soon.",
        effect: "an answer lost its rest",
        attributes: ProviderAttribute.position,
        targets: ProviderAttribute.streams, recovery: .seconds(10))

    let position: AnswerShape.Position

    package init(_ attributes: FaultAttributes) {
        position = ProviderAttribute.position(attributes, otherwise: .chunks(2))
    }

    package func shape(_ random: inout RandomStream) -> AnswerShape? { .truncated(after: position) }
}
