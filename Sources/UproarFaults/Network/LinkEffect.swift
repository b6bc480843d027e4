import UproarCore

/// What a fault does to the connections of a link that it meets.
package enum LinkEffect: Hashable, Sendable {
    /// Each chunk later by a draw, and by up to so much more or less. Order is kept.
    case delay(Distribution, jitter: Duration)
    /// No more than so many bytes a second.
    case rate(bytesPerSecond: Double)
    /// Chunks are cut into pieces of about this size, so far apart.
    case slice(size: Int, variation: Int, gap: Duration)
    /// Nothing passes, not even the end of the stream; all of it passes afterwards.
    case hold
    /// From the position on nothing passes any more, for good, with the connection up.
    case mute(after: LinkPosition)
    /// Bytes are taken and lost while it lasts; the connection ends after a while, or never.
    case swallow(endAfter: Duration?)
    /// Exactly so many bytes pass, counted from when the fault met the connection; then both sides end.
    case cut(afterBytes: Int, how: LinkEnd)
    /// Both sides are reset so long after the fault met the connection.
    case reset(after: Duration)
    /// The end of the stream is told so much later.
    case lateEnd(Duration)
    /// Something that only a link which reads Redis' protocol can do.
    case redis(RedisEffect)
    /// Nothing to connections that stand: the fault is about new ones.
    case none
}

package enum LinkEnd: String, Hashable, Sendable { case fin, reset }

package enum LinkPosition: Hashable, Sendable {
    case bytes(Int)
    case time(Duration)
}

/// What becomes of a connection that begins.
package enum LinkAdmission: Hashable, Sendable {
    case pass
    /// Reset at once: nothing listens there.
    case refuse
    /// Accepted, and led on once the fault is over.
    case wait
    /// Accepted, and nobody ever answers.
    case mute
    /// These bytes, and then the end.
    case answer([UInt8])
}
