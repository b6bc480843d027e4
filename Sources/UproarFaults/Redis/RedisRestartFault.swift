import UproarCore

/// Redis restarts without its data: no dump on its disk.
package struct RedisRestartFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "restart_empty",
        summary:
            "Redis restarts: connections are reset, nothing answers for a while, and every key is gone.",
        effect: "a connection was reset and the keys were removed",
        attributes: [
            .init("down", .duration, "Until connections are accepted again; 1s when not given."),
            .init(
                "loading", .duration, "So long after that it answers LOADING; not when not given."),
        ],
        targets: RedisAttribute.targets, recovery: .seconds(10),
        privilege: "a Redis that the run started itself, or uproar link --allow-flush",
        needsTarget: true)

    package let effect: LinkEffect

    package init(_ attributes: FaultAttributes) {
        effect = .redis(
            .restart(
                down: attributes.duration("down") ?? .seconds(1),
                loading: attributes.duration("loading") ?? .zero))
    }
}
