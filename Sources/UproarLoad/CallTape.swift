import UproarCore

/// Takes what calls sounded like, piece by piece, on the callers' loop: it must return at once.
package protocol TapeSink: AnyObject {
    /// The next piece of a call's tape. False: it has no room for this call, and wants no more of it.
    func append(_ piece: TapePiece) -> Bool
}

/// So much of a call as will not change any more: as many bytes of either side.
package struct TapePiece: Hashable, Sendable {
    package var call: UInt32
    package var format: AudioFormat
    /// The caller's frames in order; frames never sent stand as silence.
    package var caller: [UInt8]
    /// The agent's audio where it was heard.
    package var agent: [UInt8]
    /// The call is over.
    package var isLast: Bool
}

/// What one call sounded like at the caller: what was sent and what was heard, on one clock from the answer on.
///
/// The tape runs on the caller's own beat: each 20 ms of it, from its first sample on, is one frame of the caller, so that a
/// reader of the sound alone knows when each sample was due. Both sides are kept in the transport's format. Only made when
/// recording is asked for. It holds some seconds and what the agent has sent ahead; the rest is handed over every two seconds.
package final class CallTape {
    package let call: UInt32
    package let format: AudioFormat
    /// When sample 0 is heard: the answer until the caller's first frame sets the beat, then up to 20 ms before it.
    package private(set) var start: Instant
    private var isOnBeat = false
    private let sink: any TapeSink
    private var isWanted = true
    /// Bytes of either side that have been handed over.
    private var given = 0
    private var caller: [UInt8] = []
    private var agent: [UInt8] = []
    /// So much is kept at the most: an hour.
    private let limit: Int
    /// What is younger may still be heard or cleared: a read may come so late.
    private let margin: Int
    private let pieceSize: Int

    package init(call: UInt32, format: AudioFormat, start: Instant, sink: any TapeSink) {
        self.call = call
        self.format = format
        self.start = start
        self.sink = sink
        limit = format.bytesPerFrame * 50 * 3600
        margin = format.bytesPerFrame * 100
        pieceSize = format.bytesPerFrame * 100
    }

    package func sent(_ frame: ArraySlice<UInt8>, due: Instant) {
        guard isWanted else { return }
        if !isOnBeat { keepBeat(of: due) }
        write(frame, at: offset(of: due), to: \.caller)
        if caller.count >= margin + pieceSize { give(caller.count - margin, isLast: false) }
    }

    package func heard(_ audio: RawSpan, playsAt: Instant) {
        guard isWanted else { return }
        audio.withUnsafeBytes { bytes in
            write(bytes, at: offset(of: playsAt), to: \.agent)
        }
    }

    /// What had not been played by `at` is silence.
    package func cleared(at: Instant) {
        let keep = max(0, offset(of: at) - given)
        if keep < agent.count { agent.removeLast(agent.count - keep) }
    }

    /// The call is over: the rest is handed over.
    package func finish() {
        if isWanted { give(max(caller.count, agent.count), isLast: true) }
        isWanted = false
    }

    private func give(_ count: Int, isLast: Bool) {
        let piece = TapePiece(
            call: call, format: format, caller: take(count, \.caller), agent: take(count, \.agent),
            isLast: isLast)
        given += count
        guard !sink.append(piece) else { return }
        isWanted = false
        caller = []
        agent = []
    }

    private func take(_ count: Int, _ side: ReferenceWritableKeyPath<CallTape, [UInt8]>) -> [UInt8]
    {
        var bytes = Array(self[keyPath: side].prefix(count))
        self[keyPath: side].removeFirst(bytes.count)
        bytes.append(
            contentsOf: repeatElement(format.encoding.silence, count: count - bytes.count))
        return bytes
    }

    private func keepBeat(of due: Instant) {
        isOnBeat = true
        let early = (due - start).nanoseconds % CallTape.frame.nanoseconds
        guard early != 0 else { return }
        // Negative: the answer came behind the time of a frame that was still to be sent, and the caller sent it.
        let earlier = Duration.nanoseconds(
            early > 0 ? CallTape.frame.nanoseconds - early : -early)
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
        // What has been handed over stays as it is.
        let late = max(0, given - offset)
        guard late < bytes.count else { return }
        let bytes = bytes.dropFirst(late)
        let place = offset + late - given
        let missing = place - self[keyPath: side].count
        if missing > 0 {
            self[keyPath: side].append(
                contentsOf: repeatElement(format.encoding.silence, count: missing))
        }
        let overlap = min(bytes.count, self[keyPath: side].count - place)
        self[keyPath: side].replaceSubrange(place..<place + overlap, with: bytes.prefix(overlap))
        self[keyPath: side].append(contentsOf: bytes.dropFirst(overlap))
    }
}
