package import UproarCore

/// Sound as linear samples, one channel.
package struct PCM: Hashable, Sendable {
    package var rate: Hertz
    package var samples: [Int16]

    package init(rate: Hertz, samples: [Int16]) {
        self.rate = rate
        self.samples = samples
    }

    /// Digital silence.
    package static func silence(_ duration: Duration, rate: Hertz) -> PCM {
        PCM(rate: rate, samples: [Int16](repeating: 0, count: rate.samples(in: duration)))
    }

    package var duration: Duration { rate.duration(samples: samples.count) }

    /// The part of this sound in `range`, cut to what there is.
    package func cut(_ range: Range<Duration>) -> PCM {
        let from = min(max(0, rate.samples(in: range.lowerBound)), samples.count)
        let to = min(max(from, rate.samples(in: range.upperBound)), samples.count)
        return PCM(rate: rate, samples: Array(samples[from..<to]))
    }

    /// The louder each sample by `gain`, held within 16 bits.
    package func scaled(by gain: Float) -> PCM {
        PCM(rate: rate, samples: samples.map { Int16(clamping: Int((Float($0) * gain).rounded())) })
    }
}
