import UproarCore

/// The process is asked to end in order, as a deploy does; what has not gone by the end of the grace is killed.
package struct DrainFault: ProcessFault, Hashable {
    package static let descriptor = FaultDescriptor(
        name: "drain",
        summary: "The process is asked to end in order (SIGTERM), as a deploy does.",
        effect: "the process took the signal",
        attributes: [
            .init("grace", .duration, "Until it is killed all the same (30s)."),
            ProcessAttribute.restart,
        ], targets: ["agent"], recovery: .seconds(10))

    package let grace: Duration
    package let restart: Duration?

    package init(_ attributes: FaultAttributes) {
        grace = attributes.duration("grace") ?? .seconds(30)
        restart = attributes.duration("restart")
    }
}
