import UproarCore

/// Redis takes commands and answers none, with its connections up; all are answered afterwards.
package struct RedisHangFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "hang",
        summary:
            "Redis takes commands and answers none until it is over; then it answers them all.",
        effect: "a command was held back",
        attributes: [
            .init("commands", .word(["all", "write"]), "Which wait; all when not given.")
        ],
        targets: RedisAttribute.targets, recovery: .seconds(10), needsTarget: true)
    package static let unit = FaultScope.Unit.request

    package let effect: LinkEffect

    package init(_ attributes: FaultAttributes) {
        effect = .redis(.hang(writesOnly: attributes.text("commands") == "write"))
    }
}

enum RedisAttribute {
    /// The Redis of the run, as the agent reaches it.
    static let targets = [ProviderID.redis.name]
}
