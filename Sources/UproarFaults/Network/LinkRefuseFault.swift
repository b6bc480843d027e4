import UproarCore

/// New connections are reset; those that stand go on.
package struct LinkRefuseFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "connect_refuse",
        summary: "New connections on the arrow are reset at once; those that stand go on.",
        effect: "a connection was reset", targets: LinkAttribute.arrows, recovery: .seconds(10),
        needsTarget: true)

    package let effect = LinkEffect.none
    package let admission = LinkAdmission.refuse

    package init(_ attributes: FaultAttributes) {}
}
