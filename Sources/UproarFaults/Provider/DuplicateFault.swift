import UproarCore

/// Chunks of an answer come twice.
package struct DuplicateFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "dup_reorder",
        summary: "Chunks of an answer come twice.",
        effect: "a chunk was sent twice",
        attributes: [.init("duplicates", .chance, "The share of chunks; 20% when not given.")],
        targets: ProviderAttribute.streams, recovery: .seconds(10))

    let chance: Chance

    package init(_ attributes: FaultAttributes) {
        chance = attributes.chance("duplicates") ?? Chance(1, of: 5)
    }

    package func shape(_ random: inout RandomStream) -> AnswerShape? { .duplicate(chance) }
}
