import UproarCore

/// Answers whose bytes break the format.
package struct MalformedFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "malformed",
        summary: "Answers whose bytes break the format.",
        effect: "a chunk was garbled",
        attributes: [
            .init(
                "kind", .word(AnswerShape.Malformation.allCases.map(\.rawValue)),
                "What is broken; bad_json when not given.")
        ],
        targets: ProviderAttribute.streams, recovery: .seconds(10))

    let kind: AnswerShape.Malformation

    package init(_ attributes: FaultAttributes) {
        kind = attributes.text("kind").flatMap(AnswerShape.Malformation.init) ?? .badJSON
    }

    package func shape(_ random: inout RandomStream) -> AnswerShape? { .malformed(kind) }
}
