import UproarAudio
import UproarCore

/// What a reply's samples are sent as: themselves, or a compressed file as it grows.
///
/// Encoding (LAME, libFLAC, libopus) is done on the loop.
final class VoicePacker {
    private let format: VoiceFormat
    private let encoder: SoundEncoder?

    /// - format: what the samples are; linear 16-bit when they are to be compressed.
    init(_ format: VoiceFormat, _ kind: SoundEncoder.Kind?, bitRate: Int? = nil) {
        self.format = format
        encoder = kind.flatMap { SoundEncoder($0, rate: format.rate, bitRate: bitRate) }
    }

    /// What is to be sent now; may be nothing yet.
    func pack(_ audio: RawSpan) -> [UInt8] {
        let bytes = audio.withUnsafeBytes { Array($0) }
        guard let encoder else { return bytes }
        return encoder.encode(PCM(bytes.span, as: AudioFormat(.linear16, format.rate)).samples)
    }

    /// The end of a compressed file.
    func finish() -> [UInt8] { encoder?.finish() ?? [] }
}
