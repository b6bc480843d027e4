import UproarCore

/// The connection stays up and is dead for good, as when a box in between has forgotten it.
package struct LinkHalfOpenFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "half_open",
        summary:
            "Connections stay up, and nothing passes on them any more, not even after the fault.",
        effect: "a connection went dead",
        attributes: [
            LinkAttribute.afterBytes, LinkAttribute.afterTime,
            .init(
                "connects", .word(["refuse", "mute", "pass"]),
                "New connections meanwhile: reset, accepted and mute, or as ever (the default)."),
        ],
        targets: LinkAttribute.arrows, recovery: .seconds(10), needsTarget: true)

    package let effect: LinkEffect
    package let admission: LinkAdmission
    private let connects: String

    package init(_ attributes: FaultAttributes) {
        let position: LinkPosition =
            attributes.number("after_bytes").map { .bytes(Int($0)) }
            ?? .time(attributes.duration("after_time") ?? .zero)
        effect = .mute(after: position)
        connects = attributes.text("connects") ?? "pass"
        admission =
            switch connects {
            case "refuse": .refuse
            case "mute": .mute
            default: .pass
            }
    }
}
