import UproarAudio
import UproarCore

/// The sound of references in one format: 16 tone frames made once, put together per reference.
package struct TagVoice: Sendable {
    package let format: VoiceFormat
    private let frames: [[UInt8]]

    package init(_ format: VoiceFormat) {
        self.format = format
        frames = (0..<AudioTag.toneCount).map {
            format.encode(AudioTag.toneFrame($0, rate: format.rate))
        }
    }

    package func bytes(_ wire: UInt32, _ kind: AudioTag.Kind) -> [UInt8] {
        AudioTag.symbols(for: wire, kind: kind).flatMap { frames[Int($0)] }
    }
}
