import UproarCore
import UproarRuntime

/// Hears what a call's voices make. Utterances are numbered by `CallVoice`.
protocol CallVoiceHandler: AnyObject {
    func made(audio: RawSpan, utterance: Int)
    /// Times count from the start of the utterance's audio.
    func timed(_ words: [SpokenWord], utterance: Int)
    func finishedSpeaking(utterance: Int)
    /// No more audio of this utterance will come, and not all came.
    func failedToSpeak(utterance: Int, _ failure: ProviderFailure)
}

/// A call's connections to its voices: each opened when it is first needed, opened anew when it broke and there is something to
/// say. An utterance stays with the voice it was begun with; the next one goes to the best that is known to work.
final class CallVoice: TimerHandler {
    struct Deadlines {
        /// From the first text to the first audio.
        var firstByte: Duration
        /// From the last audio, or the end of the text, to what must follow.
        var stall: Duration
    }

    /// One connection.
    private final class Line {
        let place: Int
        let began: Instant
        var stream: (any VoiceStream)?
        init(place: Int, began: Instant) {
            self.place = place
            self.began = began
        }
    }

    private struct Utterance {
        let number: Int
        let line: Line
        let began: Instant
        var firstText: Instant?
        var isTextOver = false
        /// Audio made, in bytes, and where in it the last word of which a time is known ends.
        var byteCount = 0
        var lastWordEnd = Duration.zero
        var hasAudio: Bool { byteCount > 0 }
        var lastProgress: Instant
    }

    /// Vendors' word times are not exact: an utterance is short of audio when its last word ends this much behind it.
    private static let wordSlack = Duration.milliseconds(250)

    private let chain: ProviderChain<VoiceCandidate>
    private let settings: TextToSpeechSettings
    private let deadlines: Deadlines
    private let loop: EventLoop
    private let metrics: AgentMetrics
    private var handler: (any CallVoiceHandler)?
    private var lines: [Line] = []
    private var isClosed = false
    private var lastUtterance = 0
    /// The voice of the last utterance.
    private var lastPlace = 0
    /// Begun and neither finished nor cancelled, in order.
    private var underWay: [Utterance] = []
    private var timer = TimerID.none
    private var timerDue = Instant.distantFuture
    /// Seconds of speech made, by member of the chain.
    private(set) var spokenBytes: [Int]
    /// Characters given to each member of the chain.
    private(set) var spokenCharacters: [Int]

    /// - settings: the voice's name is each candidate's own.
    init(
        _ chain: ProviderChain<VoiceCandidate>, _ settings: TextToSpeechSettings,
        deadlines: Deadlines, loop: EventLoop, metrics: AgentMetrics,
        handler: any CallVoiceHandler
    ) {
        self.chain = chain
        self.settings = settings
        self.deadlines = deadlines
        self.loop = loop
        self.metrics = metrics
        self.handler = handler
        spokenBytes = [Int](repeating: 0, count: chain.members.count)
        spokenCharacters = spokenBytes
    }

    /// Connects ahead of the first utterance.
    func open() {
        guard !isClosed, let place = chain.choose() else { return }
        _ = line(place)
    }

    /// The number of a new utterance with a voice that is not among `tried`, or with one of those once more while there is
    /// budget for it; nil when there is none left.
    func begin(excluding tried: [Int] = []) -> Int? {
        guard !isClosed else { return nil }
        let isWorthRepeating = tried.count < 2 * chain.members.count
        guard
            let place = chain.choose(excluding: tried)
                ?? (isWorthRepeating ? chain.lastResort() : nil)
        else { return nil }
        if place < lastPlace { chain.failedBack(from: lastPlace, to: place) }
        if place > lastPlace { chain.failedOver(from: lastPlace, to: place) }
        lastPlace = place
        chain.requested()
        lastUtterance += 1
        underWay.append(
            Utterance(
                number: lastUtterance, line: line(place), began: loop.now,
                lastProgress: loop.now))
        return lastUtterance
    }

    /// The member of the chain that failed last.
    private(set) var failedPlace = 0

    func speak(_ text: String, utterance: Int) {
        guard let index = index(utterance) else { return }
        if underWay[index].firstText == nil {
            underWay[index].firstText = loop.now
            watch(loop.now + deadlines.firstByte)
        }
        spokenCharacters[underWay[index].line.place] += text.count
        underWay[index].line.stream?.speak(text, reply: utterance)
    }

    func finishText(utterance: Int) {
        guard let index = index(utterance) else { return }
        underWay[index].isTextOver = true
        underWay[index].lastProgress = loop.now
        watch(loop.now + deadlines.stall)
        underWay[index].line.stream?.finishText(reply: utterance)
    }

    func cancel(utterance: Int) {
        guard let lost = forget(utterance) else { return }
        lost.line.stream?.cancel(reply: utterance)
    }

    func close() {
        isClosed = true
        loop.cancel(timer)
        underWay = []
        for line in lines {
            line.stream?.close()
            line.stream = nil
        }
        lines = []
        handler = nil
    }

    private func failed(_ place: Int, _ failure: ProviderFailure) {
        failedPlace = place
        chain.failed(place, failure)
    }

    // MARK: Lines

    private func line(_ place: Int) -> Line {
        if let line = lines.first(where: { $0.place == place }) { return line }
        let line = Line(place: place, began: loop.now)
        lines.append(line)
        let candidate = chain[place]
        var settings = settings
        settings.voice = candidate.voice
        line.stream = candidate.client.open(settings, handler: self)
        return line
    }

    private func line(of stream: any VoiceStream) -> Line? {
        lines.first { $0.stream === stream }
    }

    private func drop(_ line: Line) {
        lines.removeAll { $0 === line }
        line.stream?.close()
        line.stream = nil
    }

    private func index(_ utterance: Int) -> Int? {
        underWay.firstIndex { $0.number == utterance }
    }

    private func forget(_ utterance: Int) -> Utterance? {
        index(utterance).map { underWay.remove(at: $0) }
    }

    // MARK: Deadlines

    /// One timer for all: it looks at what is due when it fires.
    private func watch(_ due: Instant) {
        guard due < timerDue else { return }
        loop.cancel(timer)
        timerDue = due
        timer = loop.schedule(self, at: due)
    }

    private func due(_ utterance: Utterance) -> Instant? {
        if !utterance.hasAudio { return utterance.firstText.map { $0 + deadlines.firstByte } }
        return utterance.isTextOver ? utterance.lastProgress + deadlines.stall : nil
    }

    func timerFired(token: UInt64, now: Instant) {
        timerDue = .distantFuture
        let overdue = underWay.filter { due($0).map { $0 <= now } ?? false }
        for utterance in overdue where index(utterance.number) != nil {
            let what = utterance.hasAudio ? "stall" : "first byte"
            failed(utterance.line.place, .timedOut(what))
            // A connection that says nothing is not asked again.
            lose(utterance.line, .timedOut(what))
        }
        if let next = underWay.compactMap(due).min() { watch(next) }
    }

    /// Gives up a connection with all that was to be said on it.
    private func lose(_ line: Line, _ failure: ProviderFailure) {
        drop(line)
        let lost = underWay.filter { $0.line === line }
        underWay.removeAll { $0.line === line }
        for utterance in lost {
            handler?.failedToSpeak(utterance: utterance.number, failure)
        }
    }
}

extension CallVoice: VoiceHandler {
    func opened(_ stream: any VoiceStream) {}

    func received(audio: RawSpan, reply: Int, on stream: any VoiceStream) {
        guard let index = index(reply), underWay[index].line.stream === stream,
            audio.byteCount > 0
        else { return }
        let place = underWay[index].line.place
        underWay[index].lastProgress = loop.now
        if !underWay[index].hasAudio, let first = underWay[index].firstText {
            metrics.observe(.ttsDuration, [chain.name(place)], (loop.now - first).inSeconds)
        }
        underWay[index].byteCount += audio.byteCount
        spokenBytes[place] += audio.byteCount
        handler?.made(audio: audio, utterance: reply)
    }

    func received(words: [SpokenWord], reply: Int, on stream: any VoiceStream) {
        guard let index = index(reply), underWay[index].line.stream === stream else { return }
        if let end = words.last?.end {
            underWay[index].lastWordEnd = max(underWay[index].lastWordEnd, end)
        }
        handler?.timed(words, utterance: reply)
    }

    func finished(reply: Int, on stream: any VoiceStream) {
        guard let index = index(reply), underWay[index].line.stream === stream else { return }
        let utterance = underWay.remove(at: index)
        guard utterance.hasAudio || utterance.firstText == nil else {
            failed(utterance.line.place, .empty)
            handler?.failedToSpeak(utterance: reply, .empty)
            return
        }
        let audio = settings.format.duration(bytes: utterance.byteCount)
        guard utterance.lastWordEnd - audio <= Self.wordSlack else {
            let failure = ProviderFailure.malformed("its audio ends before its words do")
            failed(utterance.line.place, failure)
            handler?.failedToSpeak(utterance: reply, failure)
            return
        }
        chain.succeeded(utterance.line.place, begunAt: utterance.began)
        handler?.finishedSpeaking(utterance: reply)
    }

    func failed(_ failure: ProviderFailure, reply: Int?, on stream: any VoiceStream) {
        guard let line = line(of: stream) else { return }
        if let reply {
            guard let index = index(reply), underWay[index].line === line else { return }
            underWay.remove(at: index)
            failed(line.place, failure)
            handler?.failedToSpeak(utterance: reply, failure)
            return
        }
        // A connection that nobody was using has only gone to sleep, unless it never came about.
        let wasUsed = underWay.contains { $0.line === line }
        if wasUsed || failure.isAboutConnecting { failed(line.place, failure) }
        lose(line, failure)
    }
}

extension ProviderFailure {
    /// Whether the connection never stood.
    var isAboutConnecting: Bool {
        switch self {
        case .unreachable, .refused, .timedOut: true
        case .closed, .cut, .malformed, .reported, .empty: false
        }
    }
}
