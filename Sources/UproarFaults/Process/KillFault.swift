import UproarCore

/// Processes die at once; they may come back, and may die again as soon as they have.
///
/// ```
///  alive ── kill ──► gone ── restart ──► starting ── serves ──► alive … after uptime, until it has died `crashes` times
/// ```
package struct KillFault: ProcessFault, Hashable {
    package static let descriptor = FaultDescriptor(
        name: "kill",
        summary:
            "The process dies at once; it may be started again, and crash again (a crash loop).",
        effect: "the process was gone from /proc",
        attributes: [
            .init(
                "signal", .word(["kill", "terminate", "interrupt", "abort"]),
                "What it is killed with; kill when not given."),
            .init(
                "processes", .integer(1...1000),
                "So many of the processes that the named one started, chosen by the seed."),
            .init("share", .chance, "Such a share of them, at least one."),
            ProcessAttribute.restart,
            .init("crashes", .integer(1...100), "A crash loop: it dies so often; needs restart."),
            .init(
                "uptime", .duration, "In a crash loop: so long it serves between two crashes (1s)."),
            ProcessAttribute.tree, ProcessAttribute.destructive,
        ], targets: ProcessAttribute.processes, recovery: .seconds(10))

    package enum Victims: Hashable, Sendable {
        case process
        case count(Int)
        case share(Chance)
    }

    package let signal: String
    package let victims: Victims
    package let restart: Duration?
    package let crashes: Int
    package let uptime: Duration
    package let tree: Bool
    package let isDestructive: Bool

    package init(_ attributes: FaultAttributes) {
        signal = attributes.text("signal") ?? "kill"
        victims =
            attributes.integer("processes").map { .count($0) }
            ?? attributes.chance("share").map { .share($0) } ?? .process
        restart = attributes.duration("restart")
        crashes = attributes.integer("crashes") ?? 1
        uptime = attributes.duration("uptime") ?? .seconds(1)
        tree = attributes.isOn("tree") ?? true
        isDestructive = attributes.isOn("destructive") ?? false
    }

    /// Which of `candidates` die, by the plan's seed alone: places in the list, ascending.
    package func chosen(of candidates: Int, plan: FaultPlan) -> [Int] {
        let wanted: Int
        switch victims {
        case .process: return Array(0..<candidates)
        case .count(let count): wanted = min(count, candidates)
        case .share(let share):
            let exact = Double(candidates) * Double(share.numerator) / Double(share.denominator)
            wanted = candidates == 0 ? 0 : min(candidates, max(1, Int(exact.rounded())))
        }
        // The candidates with the lowest draws: one more candidate moves nobody else's.
        let draws = (0..<candidates).map { index -> (UInt64, Int) in
            var random = plan.stream(UInt64(index))
            return (random.next(), index)
        }
        return draws.sorted { $0 < $1 }.prefix(wanted).map(\.1).sorted()
    }
}
