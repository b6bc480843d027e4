import UproarCore

/// What was stored is neither listed nor read for a while.
package struct LateVisibilityFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "late_visibility",
        summary: "What was stored is neither listed nor read for a while.",
        effect: "an object was stored and not shown",
        attributes: [
            .init(
                "delay", .distribution, isRequired: true,
                "From when it is stored to when it is shown; also its time of storing is then.")
        ],
        targets: ProviderAttribute.stores, recovery: .seconds(10))

    let delay: Distribution

    package init(_ attributes: FaultAttributes) {
        delay = attributes.distribution("delay") ?? .constant(.zero)
    }

    package func defect(of operation: StorageOperation, _ random: inout RandomStream)
        -> StorageDefect?
    { operation == .putPart ? nil : .hidden(delay.draw(&random)) }
}
