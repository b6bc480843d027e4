import UproarCore
import UproarRuntime

/// The audio of all callers of one loop in the wire form of one transport: made once, shared by every call.
package final class CallerLibrary {
    package final class Clip {
        package let description: ClipDescription
        package let audio: any PreparedAudio
        package init(description: ClipDescription, audio: any PreparedAudio) {
            self.description = description
            self.audio = audio
        }
    }

    /// In the order of the corpus: a clip's index here is the `detail` of `utteranceBegan`.
    package let clips: [Clip]
    package let silence: any PreparedAudio
    /// The 16 tones of a tag, one 20 ms frame each.
    package let tones: any PreparedAudio
    /// The tone indices of the head tag that carries 32 bits.
    package let headTag: (UInt32) -> [UInt8]
    /// Nil when callers carry no references (`tagging: off`).
    package let key: ReferenceKey?
    /// Calls of the run are below this, as far as this loop knows: a tag that names another call is noise, not cross-talk.
    var callLimit = TurnReference.callLimit

    package init(
        clips: [Clip], silence: any PreparedAudio, tones: any PreparedAudio,
        headTag: @escaping (UInt32) -> [UInt8], key: ReferenceKey?
    ) {
        self.clips = clips
        self.silence = silence
        self.tones = tones
        self.headTag = headTag
        self.key = key
    }
}

/// One utterance on its way out: tag frames, then the clip's.
struct SpokenUtterance {
    let clip: CallerLibrary.Clip
    let clipIndex: Int
    /// Empty for an utterance without a tag.
    let tag: [UInt8]
    /// Due time of its first frame, known once that frame is due.
    var start: Instant
    private(set) var next = 0
    let frameCount: Int
    /// The frame that holds the last voiced sample.
    let lastVoicedFrame: Int

    init(clip: CallerLibrary.Clip, index: Int, tag: [UInt8], start: Instant) {
        self.clip = clip
        clipIndex = index
        self.tag = tag
        self.start = start
        frameCount = tag.count + clip.audio.frameCount
        let end = clip.description.speech.upperBound.nanoseconds
        let frame = Int((end - 1) / Self.frame.nanoseconds)
        lastVoicedFrame = min(frameCount - 1, tag.count + max(0, frame))
    }

    static let frame = Duration.milliseconds(20)

    var isOver: Bool { next >= frameCount }
    /// Where the clip's own time begins.
    var clipStart: Instant { start + Self.frame * tag.count }
    /// Due time of the last voiced sample. A sample is due when the frame that carries it is due: then it leaves.
    var speechEnd: Instant { start + Self.frame * lastVoicedFrame }
    /// Due time of the first voiced sample of the clip.
    var speechStart: Instant {
        let frame = clip.description.speech.lowerBound.nanoseconds / Self.frame.nanoseconds
        return clipStart + Self.frame * Int(frame)
    }
    /// The next frame: from the tones or from the clip.
    mutating func take(_ library: CallerLibrary) -> (audio: any PreparedAudio, frame: Int) {
        let index = next
        next += 1
        if index < tag.count { return (library.tones, Int(tag[index])) }
        return (clip.audio, index - tag.count)
    }

    /// Whether `at` lies in a labelled pause between the first and the last voiced sample.
    func isInnerPause(_ at: Instant) -> Bool {
        let offset = at - clipStart
        return clip.description.innerPauses.contains { $0.contains(offset) }
    }
}
