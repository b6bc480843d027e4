import UproarCore

/// A helper takes memory, slowly or at once, and holds it: on the machine, or inside the control group of one process, where it
/// counts against that process's limit.
package struct MemoryPressureFault: ProcessFault, Hashable {
    package static let descriptor = FaultDescriptor(
        name: "memory_pressure",
        summary: "A helper takes memory and holds it; it owns it, and dies with the run.",
        effect: "the memory it was to take had grown, as the kernel counts it",
        attributes: [
            .init("bytes", .bytes, "So much; this or share is due."),
            .init(
                "share", .chance,
                "Until such a share of the limit is used: the process's, or the machine's memory."),
            .init(
                "touch", .word(["once", "again"]),
                "Each page is written once, or over and over so that none goes to swap (once)."),
            .init("floor", .bytes, "It stops where less than this would be free (512 MB)."),
            .init(
                "dies", .word(["helper", "target"]),
                "Whom the kernel ends first when memory runs out (helper)."),
        ], targets: ["machine"] + ProcessAttribute.processes, recovery: .seconds(10),
        privilege: "on a process: a memory control group with a limit, writable")

    package enum Amount: Hashable, Sendable {
        case bytes(Int64)
        /// Of the limit.
        case share(Double)
    }

    package let amount: Amount
    package let touchesAgain: Bool
    package let floor: Int64
    package let targetDies: Bool

    package static let defaultFloor: Int64 = 512 << 20

    package init(_ attributes: FaultAttributes) {
        amount =
            attributes.number("bytes").map { .bytes(Int64($0)) }
            ?? .share(
                attributes.chance("share").map { Double($0.numerator) / Double($0.denominator) }
                    ?? 0)
        touchesAgain = attributes.text("touch") == "again"
        floor = attributes.number("floor").map { Int64($0) } ?? Self.defaultFloor
        targetDies = attributes.text("dies") == "target"
    }

    /// How much to take when so much of `limit` is used without it.
    package func bytes(limit: Int64, used: Int64) -> Int64 {
        switch amount {
        case .bytes(let bytes): bytes
        case .share(let share): max(0, Int64(Double(limit) * share) - used)
        }
    }

    /// How much of `bytes` is to be held so long after the start: it grows over `ramp`.
    package static func held(of bytes: Int64, after time: Duration, ramp: Duration) -> Int64 {
        guard ramp > .zero, time < ramp else { return bytes }
        return Int64(
            Double(bytes) * max(0, Double(time.nanoseconds)) / Double(ramp.nanoseconds))
    }
}
