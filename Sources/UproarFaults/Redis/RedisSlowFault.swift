import UproarCore

/// Every command takes longer.
package struct RedisSlowFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "slow",
        summary: "Each Redis command takes longer, one after another on a connection.",
        effect: "a command was held back",
        attributes: [
            .init(
                "delay", .distribution, isRequired: true,
                "How much longer, drawn for each command.")
        ],
        targets: RedisAttribute.targets, recovery: .seconds(5), needsTarget: true)
    package static let unit = FaultScope.Unit.request

    package let effect: LinkEffect

    package init(_ attributes: FaultAttributes) {
        effect = .redis(.slow(attributes.distribution("delay") ?? .constant(.zero)))
    }
}
