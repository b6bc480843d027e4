package import UproarCore

extension PCM {
    /// This sound as bytes of `format`, resampled if need be.
    package func encoded(as format: AudioFormat) -> [UInt8] {
        let samples = resampled(to: format.rate).samples
        var bytes: [UInt8] = []
        bytes.reserveCapacity(samples.count * format.encoding.bytesPerSample)
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

    /// The sound behind bytes of `format`; half a sample at the end is left out.
    package init(_ bytes: Span<UInt8>, as format: AudioFormat) {
        var samples: [Int16] = []
        switch format.encoding {
        case .mulaw: G711.muLaw.decode(bytes, into: &samples)
        case .alaw: G711.aLaw.decode(bytes, into: &samples)
        case .linear16:
            samples.reserveCapacity(bytes.count / 2)
            for index in 0..<bytes.count / 2 {
                samples.append(
                    Int16(bitPattern: UInt16(bytes[2 * index]) | UInt16(bytes[2 * index + 1]) << 8))
            }
        }
        self.init(rate: format.rate, samples: samples)
    }
}
