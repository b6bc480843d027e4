import UproarAudio
import UproarCore

/// What a voice provider is asked to send: raw samples, one channel.
package struct VoiceFormat: Hashable, Sendable {
    package enum Encoding: String, CaseIterable, Sendable {
        case linear16, float32, mulaw, alaw

        package var bytesPerSample: Int {
            switch self {
            case .linear16: 2
            case .float32: 4
            case .mulaw, .alaw: 1
            }
        }
    }

    package var encoding: Encoding
    package var rate: Hertz

    package init(_ encoding: Encoding, _ rate: Hertz) {
        self.encoding = encoding
        self.rate = rate
    }

    package init(_ format: AudioFormat) {
        rate = format.rate
        encoding =
            switch format.encoding {
            case .linear16: .linear16
            case .mulaw: .mulaw
            case .alaw: .alaw
            }
    }

    /// The rates voices are made at. A frame of 20 ms is a whole number of samples at each.
    package static let rates = [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000].map {
        Hertz($0)
    }

    package func duration(bytes: Int) -> Duration {
        rate.duration(samples: bytes / encoding.bytesPerSample)
    }
    /// Whole samples only.
    package func bytes(in duration: Duration) -> Int {
        rate.samples(in: duration) * encoding.bytesPerSample
    }
    /// The byte that fills silence.
    package var silence: UInt8 {
        switch encoding {
        case .linear16, .float32: 0
        case .mulaw: G711.muLaw.silence
        case .alaw: G711.aLaw.silence
        }
    }

    package func encode(_ samples: [Int16]) -> [UInt8] {
        var bytes: [UInt8] = []
        switch encoding {
        case .linear16:
            bytes.reserveCapacity(samples.count * 2)
            for sample in samples {
                bytes.append(UInt8(truncatingIfNeeded: sample))
                bytes.append(UInt8(truncatingIfNeeded: sample >> 8))
            }
        case .float32:
            bytes.reserveCapacity(samples.count * 4)
            for sample in samples {
                withUnsafeBytes(of: (Float(sample) / 32_768).bitPattern.littleEndian) {
                    bytes.append(contentsOf: $0)
                }
            }
        case .mulaw: G711.muLaw.encode(samples.span, into: &bytes)
        case .alaw: G711.aLaw.encode(samples.span, into: &bytes)
        }
        return bytes
    }
}
