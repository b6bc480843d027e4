import UproarCore
import UproarRuntime

/// Asks a model one short question, to see whether it answers again.
final class ModelProbe: LanguageModelHandler, TimerHandler {
    private let candidate: ModelCandidate
    private let deadline: Duration
    private let loop: EventLoop
    private var done: ((ProviderFailure?) -> Void)?
    private var reply: (any LanguageModelReply)?
    private var timer = TimerID.none

    /// `done` is called once; the probe keeps itself until then.
    init(
        _ candidate: ModelCandidate, deadline: Duration, loop: EventLoop,
        done: @escaping (ProviderFailure?) -> Void
    ) {
        self.candidate = candidate
        self.deadline = deadline
        self.loop = loop
        self.done = done
    }

    func start() {
        var deadlines = HTTPDeadlines()
        deadlines.connect = deadline
        deadlines.firstByte = deadline
        timer = loop.schedule(self, at: loop.now + deadline)
        reply = candidate.client.start(
            LanguageModelRequest(
                model: candidate.model,
                messages: [.system("Answer with the one word OK."), .caller("Are you there?")],
                deadlines: deadlines), handler: self)
    }

    private func end(_ failure: ProviderFailure?) {
        loop.cancel(timer)
        let reply = reply
        self.reply = nil
        let done = done
        self.done = nil
        reply?.cancel()
        done?(failure)
    }

    func timerFired(token: UInt64, now: Instant) { end(.timedOut("first byte")) }
    func received(text: String, on reply: any LanguageModelReply) { end(nil) }
    func received(toolCall: ToolCall, on reply: any LanguageModelReply) { end(nil) }
    func finished(
        _ usage: LanguageModelUsage, reason: String, on reply: any LanguageModelReply
    ) { end(.empty) }
    func failed(_ failure: ProviderFailure, on reply: any LanguageModelReply) { end(failure) }
}

/// Has a voice say one word that nobody hears, to see whether it speaks again.
final class VoiceProbe: VoiceHandler, TimerHandler {
    private let candidate: VoiceCandidate
    private let settings: TextToSpeechSettings
    private let deadline: Duration
    private let loop: EventLoop
    private var done: ((ProviderFailure?) -> Void)?
    private var stream: (any VoiceStream)?
    private var timer = TimerID.none
    private var hasAudio = false

    init(
        _ candidate: VoiceCandidate, _ settings: TextToSpeechSettings, deadline: Duration,
        loop: EventLoop, done: @escaping (ProviderFailure?) -> Void
    ) {
        self.candidate = candidate
        self.settings = settings
        self.deadline = deadline
        self.loop = loop
        self.done = done
    }

    func start() {
        timer = loop.schedule(self, at: loop.now + deadline + deadline)
        stream = candidate.client.open(settings, handler: self)
        stream?.speak("Okay.", reply: 1)
        stream?.finishText(reply: 1)
    }

    private func end(_ failure: ProviderFailure?) {
        loop.cancel(timer)
        let stream = stream
        self.stream = nil
        let done = done
        self.done = nil
        stream?.close()
        done?(failure)
    }

    func timerFired(token: UInt64, now: Instant) { end(.timedOut("first byte")) }
    func opened(_ stream: any VoiceStream) {}
    func received(audio: RawSpan, reply: Int, on stream: any VoiceStream) {
        if audio.byteCount > 0 { hasAudio = true }
    }
    func received(words: [SpokenWord], reply: Int, on stream: any VoiceStream) {}
    func finished(reply: Int, on stream: any VoiceStream) { end(hasAudio ? nil : .empty) }
    func failed(_ failure: ProviderFailure, reply: Int?, on stream: any VoiceStream) {
        end(failure)
    }
}

/// Lets a recogniser hear an utterance that another one is trusted with, to see whether it hears again.
final class RecogniserProbe: SpeechToTextHandler, TimerHandler {
    private let loop: EventLoop
    private var done: ((ProviderFailure?) -> Void)?
    private var stream: (any SpeechToTextStream)?
    private var timer = TimerID.none

    init(loop: EventLoop, done: @escaping (ProviderFailure?) -> Void) {
        self.loop = loop
        self.done = done
    }

    func start(_ recogniser: any SpeechToText, _ settings: SpeechToTextSettings) {
        stream = recogniser.open(settings, handler: self)
    }

    func send(_ audio: RawSpan) { stream?.send(audio: audio) }

    /// The utterance is over; words are due within `deadline`.
    func finish(within deadline: Duration) {
        stream?.finishUtterance()
        loop.cancel(timer)
        timer = loop.schedule(self, at: loop.now + deadline)
    }

    /// The call is over: nothing has been proven.
    func abandon() {
        loop.cancel(timer)
        done = nil
        stream?.close()
        stream = nil
    }

    private func end(_ failure: ProviderFailure?) {
        loop.cancel(timer)
        let stream = stream
        self.stream = nil
        let done = done
        self.done = nil
        stream?.close()
        done?(failure)
    }

    func timerFired(token: UInt64, now: Instant) { end(.timedOut("final")) }
    func opened(_ stream: any SpeechToTextStream) {}
    func heard(_ transcript: Transcript, on stream: any SpeechToTextStream) {
        guard stream === self.stream, transcript.isFinal else { return }
        end(transcript.text.isEmpty ? .empty : nil)
    }
    func failed(_ failure: ProviderFailure, on stream: any SpeechToTextStream) { end(failure) }
}
