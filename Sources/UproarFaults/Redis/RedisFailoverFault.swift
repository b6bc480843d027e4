import UproarCore

/// The master fails and a replica is promoted behind the same address, as with Sentinel or a managed Redis.
///
/// ```
///            from                    from + promotion                 until
///  old       │ read-only, dead or hung ────────────────────────────────│
///  new       │ the old master is all there is │ the new master, well ───│
/// ```
package struct RedisFailoverFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "failover",
        summary:
            "Redis' master fails and a replica takes its place; connections to the old one stay with it.",
        effect: "a command or a connection met the old master",
        attributes: [
            .init(
                "old", .word(RedisEffect.OldMaster.allCases.map(\.rawValue)),
                "What the old master does: refuses writes (the default), is dead, or hangs."),
            .init(
                "promotion", .duration,
                "Until new connections reach the new master; 5s when not given."),
        ],
        targets: RedisAttribute.targets, recovery: .seconds(10), needsTarget: true)

    package let effect: LinkEffect

    package init(_ attributes: FaultAttributes) {
        effect = .redis(
            .failover(
                old: attributes.text("old").flatMap(RedisEffect.OldMaster.init) ?? .readOnly,
                promotion: attributes.duration("promotion") ?? .seconds(5)))
    }
}
