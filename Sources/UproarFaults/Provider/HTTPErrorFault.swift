import UproarCore

/// Answers requests and connection attempts with an HTTP error, and ends open streams.
package struct HTTPErrorFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "http_error",
        summary:
            "Answers requests and connection attempts with an HTTP error, and ends open streams.",
        effect: "a request or upgrade was refused, or an open stream closed",
        attributes: [
            .init("status", .integer(400...599), "The status; 503 when not given."),
            .init("delay", .distribution, "How long the answer takes; at once when not given."),
            .init("retry_after", .duration, "A Retry-After header in whole seconds."),
            ProviderAttribute.openStreams,
        ],
        targets: ProviderAttribute.all, recovery: .seconds(10))

    let status: Int
    let delay: Distribution?
    let retryAfter: Duration?
    package let endsOpenStreams: UInt16?

    package init(_ attributes: FaultAttributes) {
        status = attributes.integer("status") ?? 503
        delay = attributes.distribution("delay")
        retryAfter = attributes.duration("retry_after")
        endsOpenStreams = attributes.text("open_streams") == "keep" ? nil : 1011
    }

    package func verdict(on passage: FaultPassage, _ random: inout RandomStream) -> ProviderVerdict
    {
        .refuse(
            status: status,
            retryAfter: retryAfter.map { .seconds(Int($0.inSeconds.rounded(.up))) } ?? .none,
            after: delay?.draw(&random) ?? .zero)
    }
}
