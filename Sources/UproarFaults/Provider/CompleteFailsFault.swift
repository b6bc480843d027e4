import UproarCore

/// An upload in parts fails at its end: all parts are there, and do not become an object.
package struct CompleteFailsFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "complete_fails",
        summary: "An upload in parts fails at its end: all parts are there, and become no object.",
        effect: "the parts of an upload were not put together, or said not to be",
        attributes: [
            .init(
                "how", .word(["in_body", "refuse", "lost_answer"]),
                "An error in a body with status 200, as S3 has it (the default); an error status; or an error though the parts were put together."
            ),
            .init("status", .integer(400...599), "Of refuse and lost_answer; 503 when not given."),
        ],
        targets: ProviderAttribute.stores, recovery: .seconds(10))

    let incompletion: StorageDefect.Incompletion

    package init(_ attributes: FaultAttributes) {
        let status = attributes.integer("status") ?? 503
        incompletion =
            switch attributes.text("how") {
            case "refuse": .refused(status: status)
            case "lost_answer": .saidFailed(status: status)
            default: .saidInBody
            }
    }

    package func defect(of operation: StorageOperation, _ random: inout RandomStream)
        -> StorageDefect?
    { operation == .complete ? .incomplete(incompletion) : nil }
}
