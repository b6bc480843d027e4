import UproarCore
import UproarRuntime

/// What the voice makes of a reply, and what becomes of it when a voice fails.
extension Reply: CallVoiceHandler {
    /// Held back at most: a minute.
    private static let heldLimit = Duration.seconds(60)

    private func place(of utterance: Int) -> Int? {
        segments.firstIndex { $0.utterance == utterance }
    }

    func made(audio: RawSpan, utterance: Int) {
        guard !isOver, let place = place(of: utterance) else { return }
        if segments[place].start == nil { segments[place].start = made }
        let length = host.format.duration(bytes: audio.byteCount).nanoseconds
        made += length
        segments[place].made += length
        if segments[place].isPhrase {
            audio.withUnsafeBytes { segments[place].kept.append(contentsOf: $0) }
        }
        if place == 0, isConfirmed, host.maySpeak, segments[0].audio.isEmpty {
            play(audio, on: host)
        } else if host.format.duration(bytes: segments[place].audio.count) < Self.heldLimit {
            audio.withUnsafeBytes { segments[place].audio.append(contentsOf: $0) }
        }
    }

    func timed(_ words: [SpokenWord], utterance: Int) {
        guard !isOver, let place = place(of: utterance) else { return }
        let segment = segments[place]
        let start = Duration.nanoseconds((segment.start ?? made) + segment.voiceStart)
        segments[place].wordEnds += words.map { $0.end.nanoseconds + segment.voiceStart }
        spoken.timed(
            words.map {
                SpokenWord(text: $0.text, start: $0.start + start, end: $0.end + start)
            })
    }

    func finishedSpeaking(utterance: Int) {
        guard !isOver, let place = place(of: utterance) else { return }
        segments[place].isFinished = true
        if segments[place].isPhrase {
            host.phrases.keep(segments[place].kept, of: segments[place].text, in: host.format)
        }
        drain()
    }

    /// What nobody has heard is said again by the next voice; of what has been heard, the rest.
    func failedToSpeak(utterance: Int, _ failure: ProviderFailure) {
        guard !isOver, let voice = host.voice, let place = place(of: utterance) else {
            return
        }
        segments[place].tried.append(voice.failedPlace)
        if !segments[place].hasBeenPlayed { forget(place) }
        let isOpen = isSegmentOpen && place == segments.count - 1
        guard let rest = segments[place].rest() else {
            segments[place].isFinished = true
            if isOpen { isSegmentOpen = false }
            return drain()
        }
        guard let fresh = voice.begin(excluding: segments[place].tried) else {
            segments[place].utterance = nil
            segments[place].isFinished = true
            if isOpen { isSegmentOpen = false }
            return host.speechless(self, text: spoken.text)
        }
        segments[place].isPhrase = segments[place].isPhrase && rest.skipped == 0
        segments[place].wordsBefore = rest.skipped
        segments[place].wordEnds = []
        segments[place].voiceStart = segments[place].made
        segments[place].utterance = fresh
        voice.speak(rest.text, utterance: fresh)
        if !isOpen { voice.finishText(utterance: fresh) }
    }

    /// Nothing of this segment was heard: it is as if none of it had been made.
    func forget(_ place: Int) {
        if let start = segments[place].start { spoken.forgetWords(from: start) }
        made -= segments[place].made
        segments[place].audio = []
        segments[place].kept = []
        segments[place].start = nil
        segments[place].made = 0
        segments[place].voiceStart = 0
        segments[place].wordEnds = []
        segments[place].wordsBefore = 0
    }
}
