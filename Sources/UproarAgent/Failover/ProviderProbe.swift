import UproarCore
import UproarRuntime

/// Asks a provider that failed for something that no turn depends on. Its asker is told once, and no later than its deadline.
private protocol ProviderProbe: TimerHandler {
    var asker: ProbeAsker { get set }
    /// Ends what was begun, and hears no more of it.
    func leave()
}

extension ProviderProbe {
    fileprivate func end(_ failure: ProviderFailure?) {
        let done = asker.take()
        leave()
        done?(failure)
    }
}

/// Who waits for a probe, and until when.
private struct ProbeAsker {
    private let loop: EventLoop
    private var done: ((ProviderFailure?) -> Void)?
    private var timer = TimerID.none

    init(_ loop: EventLoop, _ done: @escaping (ProviderFailure?) -> Void) {
        self.loop = loop
        self.done = done
    }

    mutating func wait(_ deadline: Duration, as probe: any TimerHandler) {
        loop.cancel(timer)
        timer = loop.schedule(probe, at: loop.now + deadline)
    }

    /// The asker, once: nobody waits any more.
    mutating func take() -> ((ProviderFailure?) -> Void)? {
        loop.cancel(timer)
        defer { done = nil }
        return done
    }
}

/// Asks a model one short question, to see whether it answers again.
final class ModelProbe: LanguageModelHandler, ProviderProbe {
    private let candidate: ModelCandidate
    private let deadline: Duration
    fileprivate var asker: ProbeAsker
    private var reply: (any LanguageModelReply)?

    /// `done` is called once; the probe keeps itself until then.
    init(
        _ candidate: ModelCandidate, deadline: Duration, loop: EventLoop,
        done: @escaping (ProviderFailure?) -> Void
    ) {
        self.candidate = candidate
        self.deadline = deadline
        asker = ProbeAsker(loop, done)
    }

    func start() {
        var deadlines = HTTPDeadlines()
        deadlines.connect = deadline
        deadlines.firstByte = deadline
        asker.wait(deadline, as: self)
        reply = candidate.client.start(
            LanguageModelRequest(
                model: candidate.model,
                messages: [.system("Answer with the one word OK."), .caller("Are you there?")],
                deadlines: deadlines), handler: self)
    }

    fileprivate func leave() {
        let reply = reply
        self.reply = nil
        reply?.cancel()
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
final class VoiceProbe: VoiceHandler, ProviderProbe {
    private let candidate: VoiceCandidate
    private let settings: TextToSpeechSettings
    private let deadline: Duration
    fileprivate var asker: ProbeAsker
    private var stream: (any VoiceStream)?
    private var hasAudio = false

    init(
        _ candidate: VoiceCandidate, _ settings: TextToSpeechSettings, deadline: Duration,
        loop: EventLoop, done: @escaping (ProviderFailure?) -> Void
    ) {
        self.candidate = candidate
        self.settings = settings
        self.deadline = deadline
        asker = ProbeAsker(loop, done)
    }

    func start() {
        asker.wait(deadline + deadline, as: self)
        stream = candidate.client.open(settings, handler: self)
        stream?.speak("Okay.", reply: 1)
        stream?.finishText(reply: 1)
    }

    fileprivate func leave() {
        let stream = stream
        self.stream = nil
        stream?.close()
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
final class RecogniserProbe: SpeechToTextHandler, ProviderProbe {
    fileprivate var asker: ProbeAsker
    private var stream: (any SpeechToTextStream)?

    init(loop: EventLoop, done: @escaping (ProviderFailure?) -> Void) {
        asker = ProbeAsker(loop, done)
    }

    func start(_ recogniser: any SpeechToText, _ settings: SpeechToTextSettings) {
        stream = recogniser.open(settings, handler: self)
    }

    func send(_ audio: RawSpan) { stream?.send(audio: audio) }

    /// The utterance is over; words are due within `deadline`.
    func finish(within deadline: Duration) {
        stream?.finishUtterance()
        asker.wait(deadline, as: self)
    }

    /// The call is over: nothing has been proven.
    func abandon() {
        _ = asker.take()
        leave()
    }

    fileprivate func leave() {
        let stream = stream
        self.stream = nil
        stream?.close()
    }

    func timerFired(token: UInt64, now: Instant) { end(.timedOut("final")) }
    func opened(_ stream: any SpeechToTextStream) {}
    func heard(_ transcript: Transcript, on stream: any SpeechToTextStream) {
        guard stream === self.stream, transcript.isFinal else { return }
        end(transcript.text.isEmpty ? .empty : nil)
    }
    func failed(_ failure: ProviderFailure, on stream: any SpeechToTextStream) { end(failure) }
}
