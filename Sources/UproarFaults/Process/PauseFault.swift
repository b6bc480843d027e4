import UproarCore

/// The process stands still with its sockets open, then goes on: how a server hangs.
package struct PauseFault: ProcessFault, Hashable {
    package static let descriptor = FaultDescriptor(
        name: "pause",
        summary: "The process stands still (SIGSTOP) with its sockets open, then goes on.",
        effect: "the kernel says that it is stopped", attributes: [ProcessAttribute.tree],
        targets: ProcessAttribute.processes, recovery: .seconds(10))

    package let tree: Bool

    package init(_ attributes: FaultAttributes) { tree = attributes.isOn("tree") ?? true }
}
