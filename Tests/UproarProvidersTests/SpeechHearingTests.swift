import Testing
import UproarAudio
import UproarCore

@testable import UproarProviders

struct SpeechHearingTests {
    let references = ReferenceText(key: ReferenceKey(Seed(42)), callLimit: 1000)
    let reference = TurnReference(call: 9, utterance: 4)

    /// Feeds `bytes` frame by frame and returns the utterance as it was when `duration` had been heard.
    func hear(
        _ bytes: [UInt8], _ format: AudioFormat, upTo duration: Duration? = nil,
        step: Int? = nil
    ) -> (utterance: HeardUtterance?, position: Duration) {
        var hearing = SpeechHearing(
            format, vocabulary: SpokenCorpus.vocabulary, references: references, isTagging: true)
        let step = step ?? format.bytesPerFrame
        for start in stride(from: 0, to: bytes.count, by: step) {
            if let duration, hearing.position >= duration { break }
            let frame = Array(bytes[start..<min(start + step, bytes.count)])
            _ = hearing.feed(frame.span.bytes, at: .zero)
        }
        hearing.settle()
        return (hearing.utterance, hearing.position)
    }

    func text(_ utterance: HeardUtterance?, at position: Duration) -> String? {
        utterance.map { heard in
            heard.results(upTo: heard.heardCount(at: position, isOver: true)).map(\.written)
                .joined(separator: " ")
        }
    }

    @Test(
        "Every clip in every variant and format is told by its tag and its levels",
        arguments: [
            AudioFormat.telephone, .browser, AudioFormat(.alaw, .telephone),
            AudioFormat(.linear16, Hertz(48_000)),
        ])
    func everyClip(format: AudioFormat) {
        // All of them through the telephone; elsewhere every fifth.
        let step = format == .telephone ? 1 : 5
        for place in stride(from: 0, to: SpokenCorpus.shared.clips.count, by: step) {
            let clip = SpokenCorpus.shared.clips[place]
            guard clip.description.kind != .noise else { continue }
            let bytes = SpokenCorpus.frames(
                clip, wire: references.key.wire(reference), as: format)
            let heard = hear(bytes, format)
            let words = references.words(reference)
            let expected =
                words.prefix(1).uppercased() + words.dropFirst() + ", "
                + clip.description.transcript
            #expect(heard.utterance?.reference == reference, "\(clip.description.id)")
            #expect(text(heard.utterance, at: heard.position) == expected, "\(clip.description.id)")
            #expect(heard.utterance?.isWhole(at: heard.position) == true, "\(clip.description.id)")
        }
    }

    @Test("Clips are known after a part of them, and words come as they are said")
    func growing() {
        let clip = SpokenCorpus.clip("add-call-slt")
        let format = AudioFormat.telephone
        let bytes = SpokenCorpus.frames(clip, wire: references.key.wire(reference), as: format)
        let begin = Duration.milliseconds(500) + AudioTag.duration
        let speech = clip.description.speech
        var before = ""
        var counts: Set<Int> = []
        for share in 3...10 {
            let part = (speech.upperBound - speech.lowerBound) * share / 10
            let heard = hear(bytes, format, upTo: begin + speech.lowerBound + part)
            let utterance = heard.utterance
            let count = utterance?.heardCount(at: heard.position, isOver: false) ?? 0
            let text = utterance?.results(upTo: count).map(\.written).joined(separator: " ") ?? ""
            #expect(text.hasPrefix(before))
            before = text
            counts.insert(count)
        }
        #expect(before.hasSuffix("Please add call the dentist tomorrow."))
        #expect(counts.count >= 4)
    }

    @Test("Clips that begin alike are not guessed before they differ")
    func rivals() {
        for (id, word) in [("add-milk-slt", "milk"), ("add-eggs-slt", "eggs")] {
            let clip = SpokenCorpus.clip(id)
            let bytes = SpokenCorpus.frames(
                clip, wire: references.key.wire(reference), as: .telephone)
            let begin = Duration.milliseconds(500) + AudioTag.duration
            let span = clip.description.speech
            var said: [String] = []
            for share in 4...10 {
                let part = (span.upperBound - span.lowerBound) * share / 10
                let heard = hear(bytes, .telephone, upTo: begin + span.lowerBound + part)
                let count = heard.utterance?.heardCount(at: heard.position, isOver: false) ?? 0
                said += heard.utterance?.results(upTo: count).map(\.plain) ?? []
            }
            #expect(said.contains(word))
            #expect(!said.contains(word == "milk" ? "eggs" : "milk"))
        }
    }

    @Test("Speech without a tag is told by its levels; a cough and a wrong codec give no words")
    func untagged() {
        for id in ["wait-slt", "wait-rms", "wait-slt.low", "list-rms"] {
            let clip = SpokenCorpus.clip(id)
            let heard = hear(
                SpokenCorpus.frames(clip, wire: nil, as: .telephone, after: .milliseconds(100)),
                .telephone)
            #expect(heard.utterance?.reference == nil)
            #expect(
                text(heard.utterance, at: heard.position) == clip.description.transcript, "\(id)")
        }
        let cough = SpokenCorpus.frames(
            SpokenCorpus.clip("cough"), wire: nil, as: .telephone, after: .milliseconds(100))
        #expect((text(hear(cough, .telephone).utterance, at: .seconds(9)) ?? "") == "")
        let clip = SpokenCorpus.clip("add-call-slt")
        let bytes = SpokenCorpus.frames(
            clip, wire: references.key.wire(reference), as: .telephone, after: .milliseconds(100))
        for wrong in [AudioFormat(.linear16, .telephone), AudioFormat(.linear16, .wideband)] {
            let heard = hear(bytes, wrong)
            #expect(heard.utterance?.reference == nil)
            #expect((text(heard.utterance, at: heard.position) ?? "") == "", "\(wrong)")
        }
    }

    @Test("Messages of any length are heard alike", arguments: [1, 7, 160, 480, 1_600])
    func anyStep(step: Int) {
        let clip = SpokenCorpus.clip("done-rms.cafe")
        let bytes = SpokenCorpus.frames(clip, wire: references.key.wire(reference), as: .telephone)
        let heard = hear(bytes, .telephone, step: step)
        #expect(heard.utterance?.reference == reference)
        #expect(
            text(heard.utterance, at: heard.position)?.hasSuffix("Mark buy milk as done.") == true)
    }

    @Test("Resampled, quieter audio with lost frames is still understood")
    func disturbed() throws {
        let clip = SpokenCorpus.clip("add-call-rms")
        var bytes = SpokenCorpus.frames(clip, wire: references.key.wire(reference), as: .telephone)
        var samples: [Int16] = []
        G711.muLaw.decode(bytes.span, into: &samples)
        let sound = PCM(rate: .telephone, samples: samples).resampled(to: .wideband).scaled(by: 0.4)
        bytes = sound.encoded(as: .browser)
        // Two frames near the end are lost for good.
        let frame = AudioFormat.browser.bytesPerFrame
        let late = bytes.count - frame * 80
        bytes.removeSubrange(late..<late + 2 * frame)
        let heard = hear(bytes, .browser)
        #expect(
            text(heard.utterance, at: heard.position)?.hasSuffix(clip.description.transcript)
                == true)
    }

    @Test("Words lie in the spoken parts of a clip, in order, and fill them")
    func wordTimes() {
        let clip = ClipDescription(
            id: "x", file: "x", transcript: "one two, three",
            speech: .milliseconds(100)..<Duration.milliseconds(1400),
            innerPauses: [.milliseconds(500)..<Duration.milliseconds(800)])
        let words = SpeechVocabulary.words(of: clip)
        #expect(words.map(\.plain) == ["one", "two", "three"])
        #expect(words[0].start == .milliseconds(100))
        #expect(words[2].end == .milliseconds(1400))
        for word in words {
            #expect(word.start <= .milliseconds(500) || word.start >= .milliseconds(800))
            #expect(word.end <= .milliseconds(500) || word.end >= .milliseconds(800))
        }
    }
}
