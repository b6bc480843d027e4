import UproarCore

/// The store answers with the checksum of other bytes than it was sent, or keeps other bytes.
package struct ChecksumMismatchFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "checksum_mismatch",
        summary:
            "The store answers with the checksum of other bytes than it was sent, or keeps other bytes.",
        effect: "an object or a part was damaged, or its checksum was wrong",
        attributes: [
            .init(
                "what", .word(StorageDefect.Mismatch.allCases.map(\.rawValue)),
                "tag: only the answer's ETag is wrong; body: what is kept is damaged, and its ETag shows it (the default); silent: what is kept is damaged, and nothing shows it."
            )
        ],
        targets: ProviderAttribute.stores, recovery: .seconds(10))

    let mismatch: StorageDefect.Mismatch

    package init(_ attributes: FaultAttributes) {
        mismatch = attributes.text("what").flatMap(StorageDefect.Mismatch.init) ?? .body
    }

    package func defect(of operation: StorageOperation, _ random: inout RandomStream)
        -> StorageDefect?
    { operation == .complete ? nil : .mismatch(mismatch) }
}
