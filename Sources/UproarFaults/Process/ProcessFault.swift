import UproarCore

/// A fault that acts on a whole process of the run.
package struct ProcessFault: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case kill, pause, drain
    }

    package var kind: Kind
    /// Also to all its descendants.
    package var tree: Bool

    /// nil when the plan names no fault of processes.
    package init?(_ plan: FaultPlan) {
        guard let kind = Kind(rawValue: plan.fault) else { return nil }
        self.kind = kind
        tree = plan.attributes.isOn("tree") ?? true
    }

    private static let tree = FaultDescriptor.Attribute(
        "tree", .onOff, "Also what it started itself; on when not given.")
    private static let targets = ["agent", "redis", "providers"]

    package static let catalog: [FaultDescriptor] = [
        FaultDescriptor(
            name: "kill", summary: "The process dies at once (SIGKILL), and stays dead.",
            effect: "the process was gone", attributes: [tree], targets: targets,
            recovery: .seconds(10)),
        FaultDescriptor(
            name: "pause",
            summary: "The process stands still (SIGSTOP) with its sockets open, then goes on.",
            effect: "the kernel says that it is stopped", attributes: [tree], targets: targets,
            recovery: .seconds(10)),
        FaultDescriptor(
            name: "drain", summary: "The process is asked to end in order (SIGTERM).",
            effect: "the signal was taken: the process was gone or draining", attributes: [],
            targets: ["agent"], recovery: .seconds(10)),
    ]

    /// The process it acts on: `on` names exactly one.
    package static func target(of plan: FaultPlan) -> String? {
        plan.scope.on.count == 1 ? plan.scope.on[0] : nil
    }
}
