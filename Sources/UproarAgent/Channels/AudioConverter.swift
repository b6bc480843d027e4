import UproarAudio
import UproarCore

/// Changes a stream of audio from one format to another: a converter that the settings have declared.
final class AudioConverter {
    let source: AudioFormat
    let target: AudioFormat
    private var resampler: Resampler?

    init(from source: AudioFormat, to target: AudioFormat) {
        self.source = source
        self.target = target
        if source.rate != target.rate {
            resampler = Resampler(from: source.rate, to: target.rate)
        }
    }

    /// What is ready after this audio, of whole samples.
    func convert(_ audio: RawSpan) -> [UInt8] {
        var samples: [Int16] = []
        Self.decode(audio, source.encoding, into: &samples)
        guard resampler != nil else { return encoded(samples) }
        var changed: [Int16] = []
        let span = samples.span
        resampler!.process(span, into: &changed)
        return encoded(changed)
    }

    /// What is still inside. Nothing may be converted after it.
    func finish() -> [UInt8] {
        guard resampler != nil else { return [] }
        var changed: [Int16] = []
        resampler!.finish(into: &changed)
        return encoded(changed)
    }

    private static func decode(
        _ audio: RawSpan, _ encoding: AudioEncoding, into samples: inout [Int16]
    ) {
        audio.withUnsafeBytes { bytes in
            switch encoding {
            case .mulaw: for byte in bytes { samples.append(G711.muLaw.decode(byte)) }
            case .alaw: for byte in bytes { samples.append(G711.aLaw.decode(byte)) }
            case .linear16:
                for index in stride(from: 0, to: bytes.count - 1, by: 2) {
                    samples.append(
                        Int16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8))
                }
            }
        }
    }

    private func encoded(_ samples: [Int16]) -> [UInt8] {
        var bytes: [UInt8] = []
        switch target.encoding {
        case .mulaw: G711.muLaw.encode(samples.span, into: &bytes)
        case .alaw: G711.aLaw.encode(samples.span, into: &bytes)
        case .linear16:
            bytes.reserveCapacity(2 * samples.count)
            for sample in samples {
                bytes.append(UInt8(truncatingIfNeeded: sample))
                bytes.append(UInt8(truncatingIfNeeded: sample >> 8))
            }
        }
        return bytes
    }
}
