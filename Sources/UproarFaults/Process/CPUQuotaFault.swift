import UproarCore

/// The process gets no more than a share of a processor.
package struct CPUQuotaFault: ProcessFault, Hashable {
    package static let descriptor = FaultDescriptor(
        name: "cpu_quota",
        summary: "The process gets no more than a share of one processor.",
        effect: "the kernel throttled it, or says that it is stopped in its turn",
        attributes: [
            .init("quota", .chance, isRequired: true, "Of one processor, as 30%."),
            .init("period", .duration, "In which the quota is counted (100ms)."),
            ProcessAttribute.method,
        ], targets: ProcessAttribute.processes, recovery: .seconds(10),
        privilege: "a writable cpu control group, else SIGSTOP and SIGCONT in turns")

    package let quota: Double
    package let period: Duration
    package let method: String

    package init(_ attributes: FaultAttributes) {
        quota =
            attributes.chance("quota").map { Double($0.numerator) / Double($0.denominator) } ?? 1
        period = min(
            .seconds(1), max(.milliseconds(10), attributes.duration("period") ?? .milliseconds(100))
        )
        method = attributes.text("method") ?? "auto"
    }

    package var cycle: DutyCycle { DutyCycle(share: quota, period: period) }
}
