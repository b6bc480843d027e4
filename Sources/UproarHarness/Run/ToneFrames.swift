import UproarAudio
import UproarCore

/// The sixteen tones of a tag as frames in a transport's format, one after another.
enum ToneFrames {
    static func all(_ format: AudioFormat) -> [UInt8] {
        (0..<AudioTag.toneCount).flatMap { tone in
            FrameBytes.encode(AudioTag.toneFrame(tone, rate: format.rate), format)
        }
    }
}

/// Samples as bytes of a format.
enum FrameBytes {
    static func encode(_ samples: [Int16], _ format: AudioFormat) -> [UInt8] {
        var bytes: [UInt8] = []
        switch format.encoding {
        case .mulaw: G711.muLaw.encode(samples.span, into: &bytes)
        case .alaw: G711.aLaw.encode(samples.span, into: &bytes)
        case .linear16:
            for sample in samples {
                bytes.append(UInt8(truncatingIfNeeded: sample))
                bytes.append(UInt8(truncatingIfNeeded: sample >> 8))
            }
        }
        return bytes
    }

    static func decode(_ bytes: [UInt8], _ format: AudioFormat) -> [Int16] {
        var samples: [Int16] = []
        switch format.encoding {
        case .mulaw: G711.muLaw.decode(bytes.span, into: &samples)
        case .alaw: G711.aLaw.decode(bytes.span, into: &samples)
        case .linear16:
            for index in stride(from: 0, to: bytes.count - 1, by: 2) {
                samples.append(
                    Int16(truncatingIfNeeded: Int(bytes[index]) | Int(bytes[index + 1]) << 8))
            }
        }
        return samples
    }
}
