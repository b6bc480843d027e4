import UproarCore

/// What one call sounded like at the caller: what was sent and what was heard, on one clock from the answer on.
///
/// The tape runs on the caller's own beat: each 20 ms of it, from its first sample on, is one frame of the caller, so that a
/// reader of the sound alone knows when each sample was due. Both sides are kept in the transport's format. Only made when
/// recording is asked for: it grows with the call.
package final class CallTape {
    package let call: UInt32
    package let format: AudioFormat
    /// When sample 0 is heard: the answer until the caller's first frame sets the beat, then up to 20 ms before it.
    package private(set) var start: Instant
    private var isOnBeat = false
    /// The caller's frames in order; frames never sent stand as silence.
    package private(set) var caller: [UInt8] = []
    /// The agent's audio where it was heard.
    package private(set) var agent: [UInt8] = []
    /// So much is kept at the most: an hour.
    private let limit: Int

    package init(call: UInt32, format: AudioFormat, start: Instant) {
        self.call = call
        self.format = format
        self.start = start
        limit = format.bytesPerFrame * 50 * 3600
    }

    package func sent(_ frame: ArraySlice<UInt8>, due: Instant) {
        if !isOnBeat { keepBeat(of: due) }
        write(frame, at: offset(of: due), to: \.caller)
    }

    package func heard(_ audio: RawSpan, playsAt: Instant) {
        audio.withUnsafeBytes { bytes in
            write(bytes, at: offset(of: playsAt), to: \.agent)
        }
    }

    /// What had not been played by `at` is silence.
    package func cleared(at: Instant) {
        let keep = max(0, offset(of: at))
        if keep < agent.count { agent.removeLast(agent.count - keep) }
    }

    private func keepBeat(of due: Instant) {
        isOnBeat = true
        let early = (due - start).nanoseconds % CallTape.frame.nanoseconds
        guard early > 0 else { return }
        let earlier = Duration.nanoseconds(CallTape.frame.nanoseconds - early)
        start = start - earlier
        guard !agent.isEmpty else { return }
        let count = format.rate.samples(in: earlier) * format.encoding.bytesPerSample
        agent.insert(contentsOf: repeatElement(format.encoding.silence, count: count), at: 0)
    }

    private static let frame = Duration.milliseconds(20)

    private func offset(of time: Instant) -> Int {
        let samples = format.rate.samples(in: time - start)
        return samples * format.encoding.bytesPerSample
    }

    private func write(
        _ bytes: some Collection<UInt8>, at offset: Int,
        to side: ReferenceWritableKeyPath<CallTape, [UInt8]>
    ) {
        guard offset >= 0, offset + bytes.count <= limit else { return }
        let missing = offset - self[keyPath: side].count
        if missing > 0 {
            self[keyPath: side].append(
                contentsOf: repeatElement(format.encoding.silence, count: missing))
        }
        let overlap = min(bytes.count, self[keyPath: side].count - offset)
        self[keyPath: side].replaceSubrange(offset..<offset + overlap, with: bytes.prefix(overlap))
        self[keyPath: side].append(contentsOf: bytes.dropFirst(overlap))
    }
}
