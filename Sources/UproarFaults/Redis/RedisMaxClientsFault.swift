import UproarCore

/// New connections are told that there are too many, and closed.
package struct RedisMaxClientsFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "maxclients",
        summary: "Redis tells new connections that there are too many and closes them.",
        effect: "a connection was refused",
        attributes: [
            .init(
                "open_connections", .word(["keep", "reset"]),
                "Those that stand: kept (the default), or reset, so that they have to come back.")
        ],
        targets: RedisAttribute.targets, recovery: .seconds(10), needsTarget: true)

    package let effect: LinkEffect

    package init(_ attributes: FaultAttributes) {
        effect = .redis(
            .maximumClients(resetsOpen: attributes.text("open_connections") == "reset"))
    }
}
