import UproarCore

/// The answer stops in the middle, for a while or for good, with the connection up.
package struct StallFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "stall_at",
        summary: "The answer stops in the middle, for a while or for good, with the connection up.",
        effect: "a chunk was held back",
        attributes: ProviderAttribute.position + [
            .init("stall", .duration, "How long; for good when not given.")
        ],
        targets: ProviderAttribute.streams, recovery: .seconds(10))

    let position: AnswerShape.Position
    let time: Duration?

    package init(_ attributes: FaultAttributes) {
        position = ProviderAttribute.position(attributes)
        time = attributes.duration("stall")
    }

    package func shape(_ random: inout RandomStream) -> AnswerShape? {
        .stall(after: position, for: time)
    }
}
