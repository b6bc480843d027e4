import UproarCore

/// Accepts the WebSocket and closes it with a code, as throttles on open streams do.
package struct CloseCodeFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "close_code",
        summary:
            "Accepts the WebSocket and closes it with a code, as throttles on open streams do.",
        effect: "a stream was closed",
        attributes: [
            .init("code", .integer(1000...4999), "1013 (try again later) when not given.")
        ],
        targets: ProviderAttribute.streams, recovery: .seconds(10))

    let code: UInt16
    package var endsOpenStreams: UInt16? { code }

    package init(_ attributes: FaultAttributes) {
        code = UInt16(clamping: attributes.integer("code") ?? 1013)
    }

    package func verdict(on passage: FaultPassage, _ random: inout RandomStream) -> ProviderVerdict
    { .close(code: code) }
}
