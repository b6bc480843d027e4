import UproarCore

/// What a fault on a whole process means: its attributes, read. How it bites is the world's affair: signals and control groups
/// behind the guardian, or an agent instance in simulation.
package protocol ProcessFault: Sendable {
    static var descriptor: FaultDescriptor { get }
    init(_ attributes: FaultAttributes)
}

/// Every fault of processes: a literal list.
package enum ProcessFaultCatalog {
    package static let all: [any ProcessFault.Type] = [
        KillFault.self, PauseFault.self, DrainFault.self, CPUPressureFault.self,
        CPUQuotaFault.self, MemoryPressureFault.self, MemoryLimitFault.self, OutOfMemoryFault.self,
    ]

    package static func named(_ name: String) -> (any ProcessFault.Type)? {
        all.first { $0.descriptor.name == name }
    }
}

/// What several of them share.
enum ProcessAttribute {
    /// Processes of a run by the names that faults use.
    static let processes = ["agent", "redis", "providers"]
    static let tree = FaultDescriptor.Attribute(
        "tree", .onOff, "Also what it started itself; on when not given.")
    static let restart = FaultDescriptor.Attribute(
        "restart", .duration,
        "Started again so long after it is gone, where it was; never when not given.")
    static let destructive = FaultDescriptor.Attribute(
        "destructive", .onOff, "Needed where data is lost: on redis.")
    static let method = FaultDescriptor.Attribute(
        "method", .word(["auto", "cgroup", "stop"]),
        "cgroup: the kernel's quota; stop: SIGSTOP and SIGCONT in turns; auto takes the first that is allowed."
    )
}

extension FaultPlan {
    /// The process it acts on: `on` names exactly one.
    package var process: String? { scope.on.count == 1 ? scope.on[0] : nil }
}
