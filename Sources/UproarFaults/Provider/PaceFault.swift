import UproarCore

/// Content trickles: so long between one chunk and the next.
package struct PaceFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "pace",
        summary: "Content trickles: so long between one chunk and the next.",
        effect: "a chunk was held back",
        attributes: [
            .init("gap", .distribution, isRequired: true, "Between two chunks at the least.")
        ],
        targets: ProviderAttribute.streams, recovery: .seconds(10))

    let gap: Distribution

    package init(_ attributes: FaultAttributes) {
        gap = attributes.distribution("gap") ?? .constant(.zero)
    }

    package func shape(_ random: inout RandomStream) -> AnswerShape? { .pace(gap) }
}
