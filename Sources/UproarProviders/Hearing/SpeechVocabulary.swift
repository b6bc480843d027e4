import Glibc
import UproarAudio
import UproarCore

/// What an emulated recogniser knows: the clips of the run's corpus, their words with times, and how loud each is when.
///
/// Made once and shared by all streams.
package final class SpeechVocabulary: Sendable {
    package struct Word: Hashable, Sendable {
        /// As the transcript writes it: `list.`
        package var written: String
        /// In small letters without punctuation: `list`
        package var plain: String
        /// From the start of the clip's file (of the stream, once heard).
        package var start: Duration
        package var end: Duration

        package init(written: String, plain: String, start: Duration, end: Duration) {
            self.written = written
            self.plain = plain
            self.start = start
            self.end = end
        }

        package init(_ written: String, _ time: Range<Duration>) {
            self.written = written
            plain = Self.plain(written)
            start = time.lowerBound
            end = time.upperBound
        }

        private static func plain(_ written: String) -> String {
            let inner = written.drop { !$0.isLetter && !$0.isNumber }
            guard let last = inner.lastIndex(where: { $0.isLetter || $0.isNumber }) else {
                return ""
            }
            return inner[...last].lowercased()
        }
    }

    package struct Clip: Sendable {
        package var description: ClipDescription
        /// Empty for noises.
        package var words: [Word]
        /// Clips with the same number say the same words.
        package var wording: Int
        /// Where its levels stand in `levels`, one every 10 ms: as a telephone carries it, and with all its treble.
        package var narrowLevels: Range<Int>
        package var wideLevels: Range<Int>?
        /// Something is audible from the file's beginning, before the speech: a recording with noise.
        package var isAudibleAtOnce: Bool
    }

    package let clips: [Clip]
    /// In dB of full scale, held above `floor`.
    let levels: [Float]

    static let hop = Duration.milliseconds(10)
    static let floor: Float = -60

    package init(_ corpus: AudioCorpus) {
        var clips: [Clip] = []
        var levels: [Float] = []
        var wordings: [[String]: Int] = [:]
        for clip in corpus.clips {
            let description = clip.description
            let words = description.kind == .noise ? [] : Self.words(of: description)
            let plain = words.map(\.plain)
            let wording = wordings[plain] ?? wordings.count
            wordings[plain] = wording
            let start = levels.count
            levels += Self.levels(of: clip.sound.resampled(to: .telephone))
            let wideStart = levels.count
            if clip.sound.rate > .telephone { levels += Self.levels(of: clip.sound) }
            let lead = Int(description.speech.lowerBound / Self.hop)
            clips.append(
                Clip(
                    description: description, words: words, wording: wording,
                    narrowLevels: start..<wideStart,
                    wideLevels: wideStart < levels.count ? wideStart..<levels.count : nil,
                    isAudibleAtOnce: levels[start..<wideStart].prefix(lead).contains {
                        $0 > Self.floor + 6
                    }))
        }
        self.clips = clips
        self.levels = levels
    }

    /// The words over the spoken parts of a clip, by their letters: no word lies in an annotated pause.
    static func words(of clip: ClipDescription) -> [Word] {
        let written = clip.transcript.split(whereSeparator: \.isWhitespace).map(String.init)
        let paused = clip.innerPauses.reduce(Duration.zero) { $0 + ($1.upperBound - $1.lowerBound) }
        let spoken = clip.speech.upperBound - clip.speech.lowerBound - paused
        let times = VoiceText.times(of: written, within: .zero..<max(.zero, spoken))
        return zip(written, times).map { word, time in
            let start = place(time.lowerBound, in: clip, isEnd: false)
            return Word(word, start..<max(start, place(time.upperBound, in: clip, isEnd: true)))
        }.filter { !$0.plain.isEmpty }
    }

    /// From spoken time to the clip's time.
    private static func place(_ spoken: Duration, in clip: ClipDescription, isEnd: Bool)
        -> Duration
    {
        var time = clip.speech.lowerBound + spoken
        for pause in clip.innerPauses {
            guard isEnd ? time > pause.lowerBound : time >= pause.lowerBound else { break }
            time += pause.upperBound - pause.lowerBound
        }
        return time
    }

    private static func levels(of sound: PCM) -> [Float] {
        let count = (sound.samples.count * 100 + sound.rate.value - 1) / sound.rate.value
        return (0..<count).map { hop in
            let from = hop * sound.rate.value / 100
            let to = min(sound.samples.count, (hop + 1) * sound.rate.value / 100)
            var power: Float = 0
            for index in from..<to {
                let sample = Float(sound.samples[index])
                power += sample * sample
            }
            return decibels(power / Float(max(1, to - from)))
        }
    }

    /// From the mean square of 16-bit samples.
    static func decibels(_ power: Float) -> Float {
        max(floor, 10 * log10f(power / (32_768 * 32_768) + 1e-9))
    }
}
