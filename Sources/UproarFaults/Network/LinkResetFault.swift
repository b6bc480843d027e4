import UproarCore

/// Both sides hear that the connection was reset.
package struct LinkResetFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "reset",
        summary: "Connections are reset (RST) on both sides, those that stand at once.",
        effect: "a connection was reset", attributes: [LinkAttribute.afterTime],
        targets: LinkAttribute.arrows, recovery: .seconds(10), needsTarget: true)

    package let effect: LinkEffect

    package init(_ attributes: FaultAttributes) {
        effect = .reset(after: attributes.duration("after_time") ?? .zero)
    }
}
