import UproarCore

/// The connections that stand are reset; new ones are as ever.
package struct RedisDropFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "drop_connections",
        summary: "Redis' connections are reset when the fault begins; new ones are as ever.",
        effect: "a connection was reset",
        attributes: [
            .init(
                "connections", .word(["all", "pubsub"]),
                "All (the default), or those that have subscribed.")
        ],
        targets: RedisAttribute.targets, recovery: .seconds(10), needsTarget: true)

    package let effect: LinkEffect

    package init(_ attributes: FaultAttributes) {
        effect = .redis(.drop(subscribersOnly: attributes.text("connections") == "pubsub"))
    }
}
