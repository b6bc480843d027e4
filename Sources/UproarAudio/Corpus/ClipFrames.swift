package import UproarCore

/// One clip as 20 ms frames of one format, encoded once and shared by every caller that plays it.
package struct ClipFrames: Sendable {
    package let id: String
    package let format: AudioFormat
    /// All frames, one behind the other; the last is filled up with silence.
    package let bytes: [UInt8]
    package let frameCount: Int
    /// Per frame: whether any of it is speech by the annotation (inner pauses of a whole frame are not).
    package let isVoiced: [Bool]
    /// First voiced sample to after the last, from the start of the first frame.
    package let speech: Range<Duration>
    package let innerPauses: [Range<Duration>]

    package init(_ clip: AudioCorpus.Clip, as format: AudioFormat) {
        id = clip.description.id
        self.format = format
        speech = clip.description.speech
        innerPauses = clip.description.innerPauses
        var bytes = clip.sound.encoded(as: format)
        let frameCount = (bytes.count + format.bytesPerFrame - 1) / format.bytesPerFrame
        let missing = frameCount * format.bytesPerFrame - bytes.count
        bytes.append(contentsOf: repeatElement(format.encoding.silence, count: missing))
        self.bytes = bytes
        self.frameCount = frameCount
        let description = clip.description
        isVoiced = (0..<frameCount).map { index in
            let frame = Duration.milliseconds(20 * index)..<Duration.milliseconds(20 * index + 20)
            return frame.overlaps(description.speech)
                && !description.innerPauses.contains {
                    $0.lowerBound <= frame.lowerBound && $0.upperBound >= frame.upperBound
                }
        }
    }

    /// Where frame `index` stands in `bytes`.
    package func range(ofFrame index: Int) -> Range<Int> {
        index * format.bytesPerFrame..<(index + 1) * format.bytesPerFrame
    }

    package var duration: Duration { .milliseconds(20 * frameCount) }
}

/// Everything a caller plays in one format: the clips of a corpus, silence, and the sixteen tones of which tags are made.
package struct FrameLibrary: Sendable {
    package let format: AudioFormat
    package let clips: [ClipFrames]
    /// One frame of silence.
    package let silence: [UInt8]
    /// The sixteen tone frames, one behind the other: tone `t` stands at `range(ofTone: t)`.
    package let tones: [UInt8]
    private let places: [String: Int]

    /// Encodes the clips of `corpus`, in its order. The rate of `format` must be a multiple of 400 Hz.
    package init(_ corpus: AudioCorpus, as format: AudioFormat) {
        self.format = format
        clips = corpus.clips.map { ClipFrames($0, as: format) }
        silence = [UInt8](repeating: format.encoding.silence, count: format.bytesPerFrame)
        tones = (0..<AudioTag.toneCount).flatMap { tone in
            PCM(rate: format.rate, samples: AudioTag.toneFrame(tone, rate: format.rate))
                .encoded(as: format)
        }
        places = Dictionary(
            clips.enumerated().map { ($0.element.id, $0.offset) },
            uniquingKeysWith: { first, _ in first })
    }

    /// The index in `clips` of the clip with this id.
    package func index(of id: String) -> Int? { places[id] }

    package func range(ofTone tone: UInt8) -> Range<Int> {
        Int(tone) * format.bytesPerFrame..<(Int(tone) + 1) * format.bytesPerFrame
    }

    /// The bytes of everything held, for a statement of memory.
    package var byteCount: Int {
        clips.reduce(silence.count + tones.count) { $0 + $1.bytes.count }
    }
}
