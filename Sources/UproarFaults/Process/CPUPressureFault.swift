import UproarCore

/// Other work on the same processors.
package struct CPUPressureFault: ProcessFault, Hashable {
    package static let descriptor = FaultDescriptor(
        name: "cpu_pressure",
        summary: "Helpers keep processors busy beside the run's processes.",
        effect: "the helpers used processor time, as the kernel counts it",
        attributes: [
            .init("workers", .integer(1...64), "So many helpers, one thread each (1)."),
            .init("load", .chance, "Each is busy for such a share of each slice (100%)."),
            .init("slice", .duration, "How finely busy and idle time alternate (100ms)."),
            .init("pinned", .onOff, "Each helper on a processor of its own; off when not given."),
        ], targets: ["machine"], recovery: .seconds(10))

    package let workers: Int
    package let load: Double
    package let slice: Duration
    package let isPinned: Bool

    package init(_ attributes: FaultAttributes) {
        workers = attributes.integer("workers") ?? 1
        load = attributes.chance("load").map { Double($0.numerator) / Double($0.denominator) } ?? 1
        slice = max(.milliseconds(1), attributes.duration("slice") ?? .milliseconds(100))
        isPinned = attributes.isOn("pinned") ?? false
    }

    /// Processors that it takes.
    package var cores: Double { Double(workers) * load }

    /// What is left to one busy thread of a machine with one processor, which shares it fairly with the helpers.
    package var remainder: Double { 1 / (1 + cores) }
}
