/// What a store is asked for, as far as faults tell it apart.
package enum StorageOperation: Hashable, Sendable {
    /// A whole object.
    case put
    case putPart
    /// The parts of an upload are to become one object.
    case complete
}

/// What a store makes of what it was given. Decisions only: the emulated store carries them out.
package enum StorageDefect: Hashable, Sendable {
    case incomplete(Incompletion)
    case mismatch(Mismatch)
    /// For so long the object is neither listed nor read.
    case hidden(Duration)

    package enum Incompletion: Hashable, Sendable {
        /// Status 200, and an error in the body (AWS, "CompleteMultipartUpload": the head leaves before the parts are put together).
        case saidInBody
        case refused(status: Int)
        /// They are put together, and the answer is an error.
        case saidFailed(status: Int)
    }

    package enum Mismatch: String, CaseIterable, Hashable, Sendable {
        /// What is kept is right, and the answer's ETag is of something else.
        case tag
        /// What is kept is damaged, and its ETag says so.
        case body
        /// What is kept is damaged, and its ETag is of what was sent.
        case silent
    }

    /// Damages an object as a store's disk does: one byte in its middle is another.
    package static func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        if !bytes.isEmpty { bytes[bytes.count / 2] ^= 0x55 }
        return bytes
    }
}
