import UproarCore

/// The kernel's own killer takes the process, as when a container passes its limit.
package struct OutOfMemoryFault: ProcessFault, Hashable {
    package static let descriptor = FaultDescriptor(
        name: "oom",
        summary:
            "The kernel ends the process for want of memory, as when a container passes its limit.",
        effect: "the control group counts an out-of-memory kill and the process was gone",
        attributes: [ProcessAttribute.restart, ProcessAttribute.destructive],
        targets: ProcessAttribute.processes, recovery: .seconds(10),
        privilege: "a writable memory control group")

    package let restart: Duration?
    package let isDestructive: Bool

    package init(_ attributes: FaultAttributes) {
        restart = attributes.duration("restart")
        isDestructive = attributes.isOn("destructive") ?? false
    }
}
