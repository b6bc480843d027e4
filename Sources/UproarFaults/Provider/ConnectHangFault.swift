import UproarCore

/// Takes connections and requests and never answers.
package struct ConnectHangFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "connect_hang",
        summary: "Takes connections and requests and never answers.",
        effect: "a request or upgrade was left without answer",
        attributes: [],
        targets: ProviderAttribute.all, recovery: .seconds(10))

    package init(_ attributes: FaultAttributes) {
        _ = attributes
    }

    package func verdict(on passage: FaultPassage, _ random: inout RandomStream) -> ProviderVerdict
    { .hang }
}
