import UproarAudio
import UproarCore
import UproarFaults
import UproarRuntime

/// The media faults of one loop, and what they share: put around a transport where a timeline asks for any, and nowhere else.
package final class FaultyTransport: CallTransport {
    private let inner: any CallTransport
    let loop: EventLoop
    private let facts: any FactSink
    var chain = PacketFaultChain()
    /// One frame of silence in the wire form.
    let silence: any PreparedAudio
    private var changed: [Changed] = []

    private struct Changed {
        let original: any PreparedAudio
        var defects: [SoundDefect]
        var audio: any PreparedAudio
        /// So many frames came of each.
        var factor: Int
    }

    /// So many changed recordings are kept: every tag of a caller is one.
    private static let changedLimit = 256

    package init(_ inner: any CallTransport, loop: EventLoop, facts: any FactSink) {
        self.inner = inner
        self.loop = loop
        self.facts = facts
        silence = inner.prepare(
            [UInt8](repeating: inner.format.encoding.silence, count: inner.format.bytesPerFrame))
    }

    package var format: AudioFormat { inner.format }

    package func prepare(_ frames: [UInt8]) -> any PreparedAudio { inner.prepare(frames) }
    package func prepare(_ picture: Picture) -> (any PreparedPicture)? { inner.prepare(picture) }

    package func dial(_ setup: CallSetup, handler: any CallMediaHandler) -> any CallMedia {
        let call = FaultyCall(setup, over: self, handler: handler)
        call.inner = inner.dial(setup, handler: call)
        return call
    }

    // MARK: Faults

    /// Arms a plan whose window is in the loop's own time; false when it is no fault of media.
    package func arm(_ plan: FaultPlan) -> Bool { chain.arm(plan) }

    package func clear(_ id: String) {
        chain.clear(id)
        changed = []
    }

    func note(_ plan: FaultPlan, call: UInt32, at now: Instant) {
        facts.state(
            Fact(.faultEffective, at: now, call: call, detail: plan.number, origin: .caller))
    }

    // MARK: Sound

    /// The whole of a recording with these defects, made once, and how many frames stand for each of its own.
    func changed(_ audio: any PreparedAudio, _ defects: [SoundDefect]) -> (
        audio: any PreparedAudio, factor: Int
    ) {
        if let known = changed.first(where: { $0.original === audio && $0.defects == defects }) {
            return (known.audio, known.factor)
        }
        var bytes: [UInt8] = []
        for frame in 0..<audio.frameCount { bytes += audio.samples(ofFrame: frame) }
        let made = SoundDefects.apply(defects, to: bytes, format)
        let factor = max(1, (made.count + bytes.count - 1) / max(1, bytes.count))
        let whole = made.prefix(factor * bytes.count)
        let padding = factor * bytes.count - whole.count
        let prepared = inner.prepare(
            whole + [UInt8](repeating: format.encoding.silence, count: padding))
        if changed.count >= Self.changedLimit { changed.removeFirst(Self.changedLimit / 2) }
        changed.append(
            Changed(original: audio, defects: defects, audio: prepared, factor: factor))
        return (prepared, factor)
    }

    /// One frame with another byte in it.
    func corrupted(_ audio: any PreparedAudio, frame: Int, draw: UInt64) -> any PreparedAudio {
        inner.prepare(SoundDefects.corrupt(Array(audio.samples(ofFrame: frame)), draw))
    }
}

/// What defects make of samples.
enum SoundDefects {
    static func apply(_ defects: [SoundDefect], to bytes: [UInt8], _ format: AudioFormat)
        -> [UInt8]
    {
        defects.reduce(bytes) { bytes, defect in
            switch defect {
            case .silence: [UInt8](repeating: format.encoding.silence, count: bytes.count)
            case .gain(let factor), .clipping(let factor):
                PCM(bytes.span, as: format).scaled(by: Float(factor)).encoded(as: format)
            case .mismatch(let encoding, let rate):
                PCM(bytes.span, as: format).encoded(
                    as: AudioFormat(encoding, rate ?? format.rate))
            }
        }
    }

    static func corrupt(_ bytes: [UInt8], _ draw: UInt64) -> [UInt8] {
        guard !bytes.isEmpty else { return bytes }
        var bytes = bytes
        // Never the same byte again: what is added is not 0.
        let change = UInt8(truncatingIfNeeded: draw >> 56) | 1
        bytes[Int(draw % UInt64(bytes.count))] ^= change
        return bytes
    }
}
