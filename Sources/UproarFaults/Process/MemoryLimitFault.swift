import UproarCore

/// The process may use no more memory than this.
package struct MemoryLimitFault: ProcessFault, Hashable {
    package static let descriptor = FaultDescriptor(
        name: "memory_limit",
        summary: "The process may use no more memory than this from now on.",
        effect: "the kernel reports the limit for the process",
        attributes: [
            .init("bytes", .bytes, isRequired: true, "The limit."),
            .init(
                "method", .word(["auto", "cgroup", "rlimit"]),
                "cgroup: a control group of its own; rlimit: of its address space; auto takes the first that is allowed."
            ),
        ], targets: ProcessAttribute.processes, recovery: .seconds(10),
        privilege: "a writable memory control group, else a limit of the address space")

    package let bytes: Int64
    package let method: String

    package init(_ attributes: FaultAttributes) {
        bytes = Int64(attributes.number("bytes") ?? 0)
        method = attributes.text("method") ?? "auto"
    }
}
