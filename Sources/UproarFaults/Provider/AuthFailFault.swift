import UproarCore

/// Refuses the key: expired, revoked or out of quota.
package struct AuthFailFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "auth_fail",
        summary: "Refuses the key: expired, revoked or out of quota.",
        effect: "a request or upgrade was refused",
        attributes: [
            .init("status", .word(["401", "402", "403"]), "401 when not given; 402 is a quota."),
            ProviderAttribute.openStreams,
        ],
        targets: ProviderAttribute.all, recovery: .seconds(10))

    let status: Int
    package let endsOpenStreams: UInt16?

    package init(_ attributes: FaultAttributes) {
        status = attributes.text("status").flatMap { Int($0) } ?? 401
        // A revoked key ends nothing that is open unless asked to.
        endsOpenStreams = attributes.text("open_streams") == "close" ? 1008 : nil
    }

    package func verdict(on passage: FaultPassage, _ random: inout RandomStream) -> ProviderVerdict
    { .refuse(status: status) }
}
