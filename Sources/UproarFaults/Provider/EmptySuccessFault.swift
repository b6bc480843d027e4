import UproarCore

/// Answers begin and end as they should, with no token, no audio, no transcript in them.
package struct EmptySuccessFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "empty_success",
        summary:
            "Answers begin and end as they should, with no token, no audio, no transcript in them.",
        effect: "an answer lost its content",
        attributes: [],
        targets: ProviderAttribute.streams, recovery: .seconds(10))

    package init(_ attributes: FaultAttributes) {
        _ = attributes
    }

    package func shape(_ random: inout RandomStream) -> AnswerShape? { .empty }
}
