import UproarAudio
import UproarCore
import UproarRuntime

/// Hears by level: each burst of sound is the next of the scripted utterances. It speaks of it 60 ms after the last loud sample
/// has arrived, in an interim, and 60 ms after it was asked to finish, in a final result.
final class ScriptedRecogniser: SpeechToText {
    let provider = ProviderID.deepgram
    let loop: EventLoop
    var utterances: [String]
    /// Per utterance; what the final result says when it differs.
    var corrections: [Int: String] = [:]
    var delay = Duration.milliseconds(60)
    /// So many opens fail first.
    var failures = 0
    /// Takes audio and says nothing.
    var isMute = false
    /// Answers without words.
    var isEmpty = false
    var refusal = ProviderFailure.refused(status: 503, body: "", retryAfter: nil)
    private(set) var streams: [ScriptedRecogniserStream] = []
    var next = 0

    init(_ utterances: [String], loop: EventLoop) {
        self.utterances = utterances
        self.loop = loop
    }

    func open(_ settings: SpeechToTextSettings, handler: any SpeechToTextHandler)
        -> any SpeechToTextStream
    {
        let stream = ScriptedRecogniserStream(self, handler: handler)
        streams.append(stream)
        loop.schedule(at: loop.now) { [self] in
            if failures > 0 {
                failures -= 1
                stream.fail()
            } else {
                stream.handler?.opened(stream)
            }
        }
        return stream
    }
}

final class ScriptedRecogniserStream: SpeechToTextStream {
    private let recogniser: ScriptedRecogniser
    var handler: (any SpeechToTextHandler)?
    private(set) var heard = 0
    private(set) var messages = 0
    private(set) var finishes = 0
    private var lastLoud = 0
    private var windowStart = 0
    private var current: Int?
    private var interim = TimerID.none

    init(_ recogniser: ScriptedRecogniser, handler: any SpeechToTextHandler) {
        self.recogniser = recogniser
        self.handler = handler
    }

    func send(audio: RawSpan) {
        messages += 1
        audio.withUnsafeBytes { bytes in
            for byte in bytes {
                heard += 1
                if byte != 0xff { lastLoud = heard }
            }
        }
        guard lastLoud > windowStart, lastLoud > heard - audio.byteCount else { return }
        if current == nil {
            current = recogniser.next
            recogniser.next += 1
        }
        let loop = recogniser.loop
        loop.cancel(interim)
        let end = heard
        interim = loop.schedule(at: loop.now + recogniser.delay) { [weak self] in
            self?.report(upTo: end, isFinal: false)
        }
    }

    func finishUtterance() {
        finishes += 1
        let end = heard
        recogniser.loop.schedule(at: recogniser.loop.now + recogniser.delay) { [weak self] in
            guard let self else { return }
            report(upTo: end, isFinal: true)
            windowStart = end
            current = nil
        }
    }

    private func report(upTo end: Int, isFinal: Bool) {
        guard !recogniser.isMute else { return }
        if recogniser.isEmpty, !isFinal { return }
        let rate = Hertz.telephone
        var text = ""
        if let current, current < recogniser.utterances.count {
            text = recogniser.utterances[current]
            if isFinal { text = recogniser.corrections[current] ?? text }
            if recogniser.isEmpty { text = "" }
        }
        handler?.heard(
            Transcript(
                text: text, isFinal: isFinal, endsUtterance: isFinal,
                start: rate.duration(samples: windowStart),
                duration: rate.duration(samples: end - windowStart)), on: self)
    }

    func fail() {
        let handler = handler
        self.handler = nil
        handler?.failed(recogniser.refusal, on: self)
    }

    func close() { handler = nil }
}

/// Answers with scripted texts: the first token after 250 ms, then 80 a second. A text that starts with `!` is a tool call.
final class ScriptedModel: LanguageModel {
    let provider = ProviderID.openai
    let loop: EventLoop
    var answers: [String]
    var firstToken = Duration.milliseconds(250)
    private(set) var requests: [LanguageModelRequest] = []
    private(set) var askedAt: [Instant] = []
    private(set) var cancelled = 0
    /// So many requests fail first.
    var failures = 0
    var refusal = ProviderFailure.refused(status: 429, body: "", retryAfter: nil)
    /// Says so many words and then nothing more.
    var stallsAfter: Int?

    init(_ answers: [String], loop: EventLoop) {
        self.answers = answers
        self.loop = loop
    }

    func start(_ request: LanguageModelRequest, handler: any LanguageModelHandler)
        -> any LanguageModelReply
    {
        let answer = answers[min(requests.count, answers.count - 1)]
        requests.append(request)
        askedAt.append(loop.now)
        let reply = ScriptedModelReply(self, handler: handler)
        var at = loop.now + firstToken
        if failures > 0 {
            failures -= 1
            loop.schedule(at: at) {
                reply.end { $0.failed(self.refusal, on: reply) }
            }
            return reply
        }
        if answer.hasPrefix("!") {
            let parts = answer.dropFirst().split(separator: " ", maxSplits: 1).map(String.init)
            let call = ToolCall(
                id: "call_\(requests.count)", name: parts[0],
                arguments: parts.count > 1 ? parts[1] : "{}")
            loop.schedule(at: at) { reply.handler?.received(toolCall: call, on: reply) }
        } else {
            for (index, word) in answer.split(separator: " ").enumerated() {
                if let stallsAfter, index >= stallsAfter { return reply }
                let text = index == 0 ? String(word) : " " + word
                loop.schedule(at: at) { reply.handler?.received(text: text, on: reply) }
                at += .microseconds(12_500)
            }
        }
        loop.schedule(at: at) {
            reply.end { $0.finished(LanguageModelUsage(), reason: "stop", on: reply) }
        }
        return reply
    }

    func noteCancel() { cancelled += 1 }
}

final class ScriptedModelReply: LanguageModelReply {
    private let model: ScriptedModel
    var handler: (any LanguageModelHandler)?

    init(_ model: ScriptedModel, handler: any LanguageModelHandler) {
        self.model = model
        self.handler = handler
    }

    func end(_ body: (any LanguageModelHandler) -> Void) {
        let handler = handler
        self.handler = nil
        if let handler { body(handler) }
    }

    func cancel() {
        if handler != nil { model.noteCancel() }
        handler = nil
    }
}

/// Speaks each word as 200 ms of tone: the first audio of a piece comes 80 ms after its text, all at once.
final class ScriptedVoice: TextToSpeech {
    let provider = ProviderID.cartesia
    let loop: EventLoop
    var delay = Duration.milliseconds(80)
    private(set) var spoken: [String] = []
    private(set) var cancelled: [Int] = []
    private(set) var opened = 0
    /// So many replies fail first.
    var failures = 0
    /// Makes the audio of so many words of each piece, and then nothing more.
    var stallsAfter: Int?
    /// Says that it has finished, though it has stalled.
    var endsShort = false
    let word: [UInt8]

    init(loop: EventLoop, sound: UInt8 = 0x90) {
        self.loop = loop
        word = [UInt8](repeating: sound, count: 1600)
    }

    func open(_ settings: TextToSpeechSettings, handler: any VoiceHandler) -> any VoiceStream {
        opened += 1
        return ScriptedVoiceStream(self, handler: handler)
    }

    func note(spoken text: String) { spoken.append(text) }
    func note(cancelled reply: Int) { cancelled.append(reply) }
}

final class ScriptedVoiceStream: VoiceStream {
    private let voice: ScriptedVoice
    private var handler: (any VoiceHandler)?
    private var cancelled: Set<Int> = []
    private var busyUntil = Instant.zero
    /// Words by reply.
    private var said: [Int: Int] = [:]

    init(_ voice: ScriptedVoice, handler: any VoiceHandler) {
        self.voice = voice
        self.handler = handler
    }

    func speak(_ text: String, reply: Int) {
        voice.note(spoken: text)
        let loop = voice.loop
        let count = text.split(separator: " ").count
        let fails = voice.failures > 0
        if fails { voice.failures -= 1 }
        busyUntil = max(busyUntil, loop.now + voice.delay)
        loop.schedule(at: busyUntil) { [self] in
            guard let handler, !cancelled.contains(reply) else { return }
            if fails {
                cancelled.insert(reply)
                return handler.failed(.timedOut("first byte"), reply: reply, on: self)
            }
            for _ in 0..<min(count, voice.stallsAfter ?? count) {
                let word = voice.word
                handler.received(audio: word.span.bytes, reply: reply, on: self)
            }
            let before = said[reply, default: 0]
            let words = text.split(separator: " ").enumerated().map { index, word in
                SpokenWord(
                    text: String(word), start: .milliseconds(Int64(200 * (before + index))),
                    end: .milliseconds(Int64(200 * (before + index + 1))))
            }
            said[reply] = before + count
            handler.received(words: words, reply: reply, on: self)
        }
    }

    func finishText(reply: Int) {
        voice.loop.schedule(at: max(busyUntil, voice.loop.now)) { [self] in
            guard let handler, !cancelled.contains(reply) else { return }
            guard voice.stallsAfter == nil || voice.endsShort else { return }
            handler.finished(reply: reply, on: self)
        }
    }

    func cancel(reply: Int) {
        voice.note(cancelled: reply)
        cancelled.insert(reply)
    }

    func close() { handler = nil }
}

/// Keeps sessions in memory, after a while.
final class MemorySessions: SessionStore {
    let loop: EventLoop
    var values: [String: [UInt8]] = [:]
    private(set) var saves = 0
    var failure: StoreFailure?
    var delay = Duration.milliseconds(1)

    init(loop: EventLoop) { self.loop = loop }

    func load(_ key: String, then: @escaping (Result<[UInt8]?, StoreFailure>) -> Void) {
        loop.schedule(at: loop.now + delay) { [self] in
            then(failure.map { .failure($0) } ?? .success(values[key]))
        }
    }

    func save(
        _ value: [UInt8], at key: String, keepFor: Duration,
        then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        saves += 1
        loop.schedule(at: loop.now + delay) { [self] in
            if let failure { return then(.failure(failure)) }
            values[key] = value
            then(.success(()))
        }
    }

    func delete(_ key: String, then: @escaping (Result<Void, StoreFailure>) -> Void) {
        loop.schedule(at: loop.now + delay) { [self] in
            if let failure { return then(.failure(failure)) }
            values[key] = nil
            then(.success(()))
        }
    }
}
