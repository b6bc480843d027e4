import UproarCore

/// One clause as sound in one format. Shared by all calls that say it.
package final class SpokenClause: Sendable {
    package let format: VoiceFormat
    package let bytes: [UInt8]

    package init(format: VoiceFormat, bytes: [UInt8]) {
        self.format = format
        self.bytes = bytes
    }

    package var duration: Duration { format.duration(bytes: bytes.count) }
}

/// Makes clauses into sound; belongs to one loop.
package protocol VoiceRenderer: AnyObject {
    /// The clause at once, when it is in the cache; else nil, and `then` follows on the loop, never before this returns,
    /// with nil when the clause cannot be made.
    ///
    /// - voice: the vendor's voice id; unknown ones get the usual voice.
    func render(
        _ clause: String, voice: String, format: VoiceFormat,
        then: @escaping (SpokenClause?) -> Void
    ) -> SpokenClause?
}
