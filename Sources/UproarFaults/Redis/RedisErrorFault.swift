import UproarCore

/// Redis refuses commands in its own words.
package struct RedisErrorFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "error",
        summary:
            "Redis refuses commands in its own words; which ones is the error's own affair, or that of where: {command: …}.",
        effect: "a command was refused",
        attributes: [
            .init(
                "kind", .word(RedisErrorKind.allCases.map(\.rawValue)), isRequired: true,
                "READONLY refuses writes, OOM writes that need memory, the others nearly all.")
        ],
        targets: RedisAttribute.targets, recovery: .seconds(10), needsTarget: true)
    package static let unit = FaultScope.Unit.request

    package let effect: LinkEffect

    package init(_ attributes: FaultAttributes) {
        effect = .redis(
            .error(attributes.text("kind").flatMap(RedisErrorKind.init) ?? .readOnly))
    }
}
