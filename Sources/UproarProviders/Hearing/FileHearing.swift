import UproarAudio
import UproarCore

/// What an emulated recogniser makes of a whole recording at once.
package struct FileHearing: Sendable {
    package var words: [SpeechVocabulary.Word]
    /// Of the words; 0 without any.
    package var confidence: Double
    /// Of the utterances in it, in order.
    package var references: [TurnReference]
    /// After the last voiced sample.
    package var voiceEnd: Duration
    package var duration: Duration
    package var tagCount: Int

    /// Longer silence than this after the last word ends an utterance.
    private static let silence = Duration.milliseconds(600)
    private static let frame = Duration.milliseconds(20)

    /// Plain work without a loop: for a background worker.
    package init(
        _ sound: PCM, vocabulary: SpeechVocabulary, references text: ReferenceText, isTagging: Bool
    ) {
        let heard =
            SpeechIntake.rates.contains(sound.rate) ? sound : sound.resampled(to: .wideband)
        let format = AudioFormat(.linear16, heard.rate)
        let bytes =
            heard.encoded(as: format)
            + PCM.silence(.seconds(1), rate: heard.rate).encoded(
                as: format)
        var hearing = SpeechHearing(
            format, vocabulary: vocabulary, references: text, isTagging: isTagging)
        words = []
        confidence = 0
        references = []
        voiceEnd = .zero
        duration = sound.duration
        tagCount = 0
        let step = format.rate.samples(in: Self.frame) * format.encoding.bytesPerSample
        var place = 0
        while place < bytes.count {
            let end = min(bytes.count, place + step)
            _ = hearing.feed(bytes.span.bytes.extracting(place..<end), at: .zero)
            place = end
            if let before = hearing.takeReplaced() { take(before, at: hearing.position) }
            guard let utterance = hearing.utterance,
                let silence = utterance.silence(at: hearing.position),
                hearing.position - silence >= Self.silence, !hearing.isSpeaking
            else { continue }
            hearing.settle()
            // Within an utterance a long pause is no end: its other words are still to come.
            guard let settled = hearing.utterance, !settled.expectsMore(at: hearing.position) else {
                continue
            }
            take(settled, at: hearing.position)
            hearing.endUtterance()
        }
        hearing.settle()
        if let last = hearing.utterance { take(last, at: hearing.position) }
        tagCount = hearing.tagCount
        voiceEnd = min(voiceEnd, duration)
    }

    private mutating func take(_ utterance: HeardUtterance, at position: Duration) {
        let count = utterance.heardCount(at: position, isOver: true)
        let new = utterance.results(upTo: count)
        guard !new.isEmpty else { return }
        words += new
        voiceEnd = max(voiceEnd, min(utterance.silence(at: position) ?? position, position))
        if let reference = utterance.reference { references.append(reference) }
        let certainty = utterance.isMatched ? 0.98 : 0.31
        confidence = confidence == 0 ? certainty : min(confidence, certainty)
    }

    package func transcript() -> String { words.map(\.written).joined(separator: " ") }
}
