import UproarCore

/// Resets every new connection or request.
package struct ConnectRefuseFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "connect_refuse",
        summary: "Resets every new connection or request.",
        effect: "a connection was reset",
        attributes: [],
        targets: ProviderAttribute.all, recovery: .seconds(10))

    package init(_ attributes: FaultAttributes) {
        _ = attributes
    }

    package func verdict(on passage: FaultPassage, _ random: inout RandomStream) -> ProviderVerdict
    { .reset }
}
