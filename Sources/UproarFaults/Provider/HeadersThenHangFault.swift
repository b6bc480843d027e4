import UproarCore

/// Sends the head of the answer (or accepts the WebSocket) and then nothing.
package struct HeadersThenHangFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "headers_then_hang",
        summary: "Sends the head of the answer (or accepts the WebSocket) and then nothing.",
        effect: "an answer was left at its head",
        attributes: [],
        targets: ProviderAttribute.all, recovery: .seconds(10))

    package init(_ attributes: FaultAttributes) {
        _ = attributes
    }

    package func verdict(on passage: FaultPassage, _ random: inout RandomStream) -> ProviderVerdict
    { .headOnly }
}
