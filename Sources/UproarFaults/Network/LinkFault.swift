import UproarCore

/// A fault that a link carries out: settings, and what they mean for connections that begin and for those that stand.
package protocol LinkFault: Sendable {
    static var descriptor: FaultDescriptor { get }
    /// What one draw of `p` decides about unless the scope says.
    static var unit: FaultScope.Unit { get }
    init(_ attributes: FaultAttributes)
    var effect: LinkEffect { get }
    /// On which of a connection's two directions.
    var directions: [LinkDirection] { get }
    /// What becomes of connections that begin while it is armed.
    var admission: LinkAdmission { get }
}

extension LinkFault {
    package static var unit: FaultScope.Unit { .connection }
    package var directions: [LinkDirection] { LinkDirection.allCases }
    package var admission: LinkAdmission { .pass }
}

/// Attributes that several link faults share.
enum LinkAttribute {
    static let direction = FaultDescriptor.Attribute(
        "direction", .word(["up", "down", "both"]),
        "up is from who dialled to who listens; both when not given.")
    static let afterBytes = FaultDescriptor.Attribute(
        "after_bytes", .bytes, "After so many bytes, counted from when the fault met it.")
    static let afterTime = FaultDescriptor.Attribute(
        "after_time", .duration, "So long after the fault met it.")

    static func directions(_ attributes: FaultAttributes) -> [LinkDirection] {
        attributes.text("direction").flatMap(LinkDirection.init).map { [$0] }
            ?? LinkDirection.allCases
    }

    static let arrows = LinkArrow.all.map(\.description)
}
