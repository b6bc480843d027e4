import UproarCore

/// The connection ends at an exact byte.
package struct LinkCutFault: LinkFault {
    package static let descriptor = FaultDescriptor(
        name: "cut",
        summary: "Connections end after exactly so many bytes.",
        effect: "a connection was cut",
        attributes: [
            .init(
                "after_bytes", .bytes, isRequired: true,
                "Bytes that pass, counted from when the fault met the connection."),
            .init("how", .word(["fin", "reset"]), "In order (the default) or with RST."),
            .init(
                "direction", .word(["up", "down"]),
                "Whose bytes are counted; down, the answers, when not given."),
        ],
        targets: LinkAttribute.arrows, recovery: .seconds(10), needsTarget: true)

    package let effect: LinkEffect
    package let directions: [LinkDirection]

    package init(_ attributes: FaultAttributes) {
        effect = .cut(
            afterBytes: Int(attributes.number("after_bytes") ?? 0),
            how: attributes.text("how").flatMap(LinkEnd.init) ?? .fin)
        directions = [attributes.text("direction").flatMap(LinkDirection.init) ?? .down]
    }
}
