import UproarCore

/// Answers with keep-alives alone: the line is busy and says nothing.
package struct KeepAliveOnlyFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "keepalive_only",
        summary: "Answers with keep-alives alone: the line is busy and says nothing.",
        effect: "content was replaced by keep-alives",
        attributes: [.init("interval", .duration, "Between two; 1s when not given.")],
        targets: ProviderAttribute.streams, recovery: .seconds(10))

    let interval: Duration

    package init(_ attributes: FaultAttributes) {
        interval = max(.milliseconds(10), attributes.duration("interval") ?? .seconds(1))
    }

    package func shape(_ random: inout RandomStream) -> AnswerShape? { .keepAliveOnly(interval) }
}
