import UproarAudio
import UproarCore

/// Brings a stream of any rate to one at which speech is heard: 44.1 kHz, 22.05 kHz and other rates of sound cards and files.
package struct SpeechIntake: ~Copyable {
    /// Rates that are heard as they are (`TagScanner`).
    package static let rates = [8_000, 16_000, 24_000, 32_000, 48_000].map { Hertz($0) }
    /// What comes out.
    package static let output = AudioFormat(.linear16, .wideband)

    private let format: AudioFormat
    private var resampler: Resampler

    package init(_ format: AudioFormat) {
        self.format = format
        resampler = Resampler(from: format.rate, to: Self.output.rate)
    }

    /// Takes whole samples; appends what is ready, some milliseconds later than it came in.
    package mutating func convert(_ audio: RawSpan, into output: inout [UInt8]) {
        let bytes = audio.withUnsafeBytes { Array($0) }
        let samples = PCM(bytes.span, as: format).samples
        var made: [Int16] = []
        resampler.process(samples.span, into: &made)
        output += PCM(rate: Self.output.rate, samples: made).encoded(as: Self.output)
    }
}
