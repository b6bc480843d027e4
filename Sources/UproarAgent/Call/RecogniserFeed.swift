import UproarCore
import UproarRuntime

/// Hears what a recogniser says about a call's audio.
protocol RecogniserFeedHandler: AnyObject {
    /// Positions count from the start of the call's audio.
    func heardWords(_ transcript: Transcript, provider: String)
    /// Another stream hears the utterance in progress from its beginning: what is known of it will be said again.
    func recogniserChanged()
}

/// Sends a call's audio to a recogniser in batches, and to the next one when it fails: the utterance in progress is kept, and heard
/// again from its beginning.
///
///     audio   ▁▁▁▁▇▇▇▇▇▇▇▇▁▁▁▁
///     kept       └────────────   from just before the voice to the end of the turn
///     stream  ─────────✗         failed, or silent for too long
///     next             └► kept audio first, then what follows
///
/// What fails a stream: the connection; voice without a word for `stall`; a final result that was asked for and did not come; an
/// empty final result for an utterance of which it has said no word, and in which another recogniser then finds words.
final class RecogniserFeed: TimerHandler {
    struct Batches {
        /// In bytes.
        var speaking: Int
        var silent: Int
    }

    struct Deadlines {
        /// Voice is being sent and nothing is said about it.
        var stall: Duration
        /// From the request for a final result to the result.
        var final: Duration
        /// The same of one that hears an utterance only when it is whole.
        var wholeFinal: Duration
    }

    /// What most streaming vendors take audio for that are told nothing.
    private static let vendorDefaults = SpeechToTextSettings(
        format: AudioFormat(.linear16, .wideband))

    private enum Timer: UInt64 {
        case reopen, deadline
    }

    /// An utterance with less voice than this may well have no words.
    private static let leastSpeech = Duration.milliseconds(600)
    private static let leadIn = Duration.milliseconds(300)
    /// What is kept of an utterance at most.
    private static let keptLimit = Duration.seconds(20)

    private let chain: ProviderChain<any SpeechToText>
    private let settings: SpeechToTextSettings
    private let carriesSettings: Bool
    private let replays: Bool
    private let batches: Batches
    /// `keptLimit` and `leadIn` in bytes.
    private let keptBytes: Int
    private let leadInBytes: Int
    private let deadlines: Deadlines
    private let loop: EventLoop
    private var random: RandomStream
    private var handler: (any RecogniserFeedHandler)?

    private var stream: (any SpeechToTextStream)?
    private var place = 0
    private var streamBegan = Instant.zero
    private var isOpen = false
    private var isClosed = false
    /// Streams that failed since the last result, and whom they were asked of.
    private var failures = 0
    private var tried: [Int] = []
    private var reopening = TimerID.none
    private let backoff = Backoff(first: .milliseconds(200), longest: .seconds(2))

    /// Kept audio, its first byte's place in the call, and how much of the call the stream has got.
    private var audio: [UInt8] = []
    private var audioStart = 0
    private var sent = 0
    /// Bytes of the call before the first one of this stream.
    private var base = 0
    /// Where the utterance in progress begins; nil between utterances.
    private var utteranceStart: Int?
    private var voiceSince: Instant?
    private var lastVoice = Instant.zero
    private var lastWord = Instant.zero
    /// The final result has been asked for, and until when it may take.
    private var finalDue: Instant?
    private var speech = Duration.zero
    /// The stream has said words of the utterance in progress.
    private var hasWords = false
    /// An empty final result whose recogniser is in doubt, while another is asked; what it had heard of the call by then, in bytes.
    private var doubt: (place: Int, upTo: Int)?
    private var deadline = TimerID.none
    private var deadlineDue = Instant.distantFuture
    private var probe: (place: Int, probe: RecogniserProbe)?
    /// Whoever the utterance in progress is a probe of, because nobody may be asked.
    private var probed: Int?
    /// Audio sent, in bytes, by member of the chain.
    private(set) var heardBytes: [Int]

    init(
        _ chain: ProviderChain<any SpeechToText>, _ settings: SpeechToTextSettings,
        batches: Batches, deadlines: Deadlines, loop: EventLoop, random: RandomStream,
        carriesSettings: Bool = true, replays: Bool = true, handler: any RecogniserFeedHandler
    ) {
        self.carriesSettings = carriesSettings
        self.replays = replays
        self.chain = chain
        self.settings = settings
        self.batches = batches
        keptBytes = settings.format.bytes(in: Self.keptLimit)
        leadInBytes = settings.format.bytes(in: Self.leadIn)
        self.deadlines = deadlines
        self.loop = loop
        self.random = random
        self.handler = handler
        heardBytes = [Int](repeating: 0, count: chain.members.count)
    }

    func open() {
        guard !isClosed, stream == nil else { return }
        chain.requested()
        place = chain.choose() ?? 0
        // One that hears whole utterances is opened with the first one.
        if !chain[place].hearsWholeUtterances { openStream() }
    }

    /// Takes audio; `isSpeaking` decides how much is gathered before it is sent on, and what is kept. `hasVoice`: there is
    /// voice in it, about which a recogniser should have something to say.
    func send(_ frame: RawSpan, isSpeaking: Bool, hasVoice: Bool, now: Instant) {
        if hasVoice { lastVoice = now }
        frame.withUnsafeBytes { audio.append(contentsOf: $0) }
        if isSpeaking, utteranceStart == nil { beganUtterance() }
        probe?.probe.send(frame)
        trim()
        guard isOpen else { return }
        if audioStart + audio.count - sent >= (isSpeaking ? batches.speaking : batches.silent) {
            flush()
        }
    }

    /// Asks for the final result of everything so far; `speech` is how much of it is voice.
    func finishUtterance(speech: Duration) {
        self.speech = speech
        if let start = utteranceStart, stream == nil, chain[place].hearsWholeUtterances {
            openStream(from: start)
        }
        finalDue = loop.now + finalDeadline
        probe?.probe.finish(within: deadlines.final + settings.connectDeadline)
        guard isOpen else { return }
        askForFinal()
    }

    /// The turn is over: nothing of it will be needed again.
    func settled() {
        utteranceStart = nil
        voiceSince = nil
        // A final result that was asked for is still due, to see who is silent.
        if chain[place].hearsWholeUtterances { finalDue = nil }
        if let doubt {
            // Nobody has found words: there were none.
            self.doubt = nil
            place = doubt.place
            closeStream()
            openUnlessWhole()
        } else if let better = chain.isBetter(than: place) {
            chain.failedBack(from: place, to: better)
            closeStream()
            place = better
            openUnlessWhole()
        } else if chain[place].hearsWholeUtterances {
            closeStream()
        }
    }

    func close() {
        isClosed = true
        loop.cancel(reopening)
        loop.cancel(deadline)
        closeStream()
        if let probe {
            probe.probe.abandon()
            chain.abandonedProbe(probe.place)
        }
        probe = nil
        handler = nil
    }

    // MARK: Streams

    private var finalDeadline: Duration {
        chain[place].hearsWholeUtterances ? deadlines.wholeFinal : deadlines.final
    }

    private var position: Int { audioStart + audio.count }

    private func openUnlessWhole() {
        if !chain[place].hearsWholeUtterances { openStream() }
    }

    /// Opens a stream of the chosen recogniser, which will hear the call from `from` on, or from now.
    private func openStream(from: Int? = nil) {
        loop.cancel(reopening)
        isOpen = false
        hasWords = false
        streamBegan = loop.now
        sent = replays ? max(from ?? utteranceStart ?? sent, audioStart) : position
        base = sent
        let isLost = place > 0 && !carriesSettings
        stream = chain[place].open(isLost ? Self.vendorDefaults : settings, handler: self)
    }

    private func closeStream() {
        isOpen = false
        loop.cancel(reopening)
        let stream = stream
        self.stream = nil
        stream?.close()
        if let probed { chain.abandonedProbe(probed) }
        probed = nil
    }

    private func flush() {
        let count = position - sent
        guard count > 0 else { return }
        // Taken out while the stream looks at it.
        var bytes: [UInt8] = []
        swap(&bytes, &audio)
        let start = sent - audioStart
        stream?.send(audio: bytes.span.bytes.extracting(start..<bytes.count))
        swap(&bytes, &audio)
        sent += count
        heardBytes[place] += count
    }

    private func askForFinal() {
        flush()
        stream?.finishUtterance()
        finalDue = loop.now + finalDeadline
        watch(loop.now + finalDeadline)
    }

    private func trim() {
        if let start = utteranceStart, position - start > keptBytes {
            utteranceStart = position - keptBytes
        }
        // What no stream has got yet waits, within the limit.
        let unsent = max(stream == nil ? position : sent, position - keptBytes)
        let keepFrom = min(utteranceStart ?? position - leadInBytes, unsent)
        // Seldom, so that little is moved.
        guard keepFrom - audioStart >= 8 * batches.silent else { return }
        audio.removeFirst(keepFrom - audioStart)
        audioStart = keepFrom
        sent = max(sent, audioStart)
    }

    private func beganUtterance() {
        let start = max(audioStart, position - leadInBytes)
        utteranceStart = start
        voiceSince = loop.now
        hasWords = false
        tried = []
        failures = 0
        if stream == nil, !chain[place].hearsWholeUtterances {
            place = chain.choose() ?? place
            if !chain[place].hearsWholeUtterances { openStream(from: start) }
        }
        watch(loop.now + deadlines.stall)
        guard probe == nil, let place = chain.takesProbe() else { return }
        guard place != self.place else { return chain.abandonedProbe(place) }
        let probe = RecogniserProbe(loop: loop) { [weak self, chain] failure in
            chain.probed(place, failure)
            self?.probe = nil
        }
        self.probe = (place, probe)
        probe.start(chain[place], settings)
        let heard = Array(audio[(start - audioStart)...])
        probe.send(heard.span.bytes)
    }

    // MARK: Failures

    private func fail(_ failure: ProviderFailure) {
        if probed == nil {
            chain.failed(place, failure)
        } else {
            probed = nil
            chain.probed(place, failure)
        }
        closeStream()
        moveOn()
    }

    /// The next recogniser hears what this one did not.
    private func moveOn() {
        if !tried.contains(place) { tried.append(place) }
        failures += 1
        if utteranceStart == nil { finalDue = nil } else { handler?.recogniserChanged() }
        if let next = chain.choose(excluding: tried) {
            if next != place { chain.failedOver(from: place, to: next) }
            place = next
            if chain[next].hearsWholeUtterances {
                // It is opened when the utterance is over, which it may be.
                if finalDue != nil, let start = utteranceStart {
                    finalDue = loop.now + finalDeadline
                    openStream(from: start)
                }
            } else {
                openStream()
            }
            if finalDue != nil {
                finalDue = loop.now + finalDeadline
                watch(loop.now + finalDeadline)
            }
            return
        }
        // All have failed: after a pause from the beginning, as often as the budget allows.
        let pause = backoff.pause(attempt: max(0, failures - tried.count), &random)
        tried = []
        reopening = loop.schedule(
            self, token: Timer.reopen.rawValue, at: loop.now + pause)
    }

    private func reopen() {
        guard !isClosed, stream == nil else { return }
        guard let next = chain.choose() ?? takeProbe() ?? chain.lastResort() else {
            failures += 1
            let pause = backoff.pause(attempt: failures, &random)
            reopening = loop.schedule(
                self, token: Timer.reopen.rawValue, at: loop.now + pause)
            return
        }
        place = next
        if !chain[place].hearsWholeUtterances || (finalDue != nil && utteranceStart != nil) {
            openStream()
        }
    }

    /// All breakers are open, and callers who wait for an answer begin no utterance that a probe could hear: the one that is kept is it.
    private func takeProbe() -> Int? {
        guard utteranceStart != nil, let place = chain.takesProbe() else { return nil }
        guard !chain[place].hearsWholeUtterances || finalDue != nil else {
            chain.abandonedProbe(place)
            return nil
        }
        probed = place
        return place
    }

    private func watch(_ due: Instant) {
        guard due < deadlineDue else { return }
        loop.cancel(deadline)
        deadlineDue = due
        deadline = loop.schedule(self, token: Timer.deadline.rawValue, at: due)
    }

    private var due: Instant? {
        if let finalDue { return finalDue }
        guard let voiceSince, stream != nil, !chain[place].hearsWholeUtterances else { return nil }
        return max(voiceSince, lastWord, streamBegan) + deadlines.stall
    }

    func timerFired(token: UInt64, now: Instant) {
        if Timer(rawValue: token) == .reopen { return reopen() }
        deadlineDue = .distantFuture
        guard let due, !isClosed else { return }
        guard now >= due else { return watch(due) }
        guard stream != nil else {
            // Nobody hears now: what is waited for is the next stream.
            return
        }
        if finalDue != nil {
            fail(.timedOut("final"))
        } else if position - sent < 2 * batches.silent, isVoiced(now) {
            fail(.timedOut("stall"))
        } else {
            voiceSince = now
            watch(now + deadlines.stall)
        }
    }

    /// The caller has been heard a moment ago: otherwise there is nothing to say about the last second.
    private func isVoiced(_ now: Instant) -> Bool {
        utteranceStart != nil && now - lastVoice < .milliseconds(300)
    }
}

extension RecogniserFeed: SpeechToTextHandler {
    func opened(_ stream: any SpeechToTextStream) {
        guard stream === self.stream else { return }
        isOpen = true
        flush()
        if finalDue != nil { askForFinal() }
    }

    func heard(_ transcript: Transcript, on stream: any SpeechToTextStream) {
        guard stream === self.stream else { return }
        lastWord = loop.now
        var transcript = transcript
        transcript.start += settings.format.duration(bytes: base)
        if transcript.isFinal {
            let wasAsked = finalDue != nil
            finalDue = nil
            if transcript.text.isEmpty, wasAsked, isDoubtful() { return }
        }
        let end = transcript.start + transcript.duration
        if !transcript.text.isEmpty, let start = utteranceStart,
            end > settings.format.duration(bytes: start)
        {
            hasWords = true
        }
        // Words in what it had heard, too: it has missed them. What came later it was never asked about.
        if let doubt, !transcript.text.isEmpty,
            end <= settings.format.duration(bytes: doubt.upTo + batches.silent)
        {
            self.doubt = nil
            chain.failed(doubt.place, .empty)
            chain.failedOver(from: doubt.place, to: place)
        }
        if !transcript.text.isEmpty {
            failures = 0
            if probed == nil {
                chain.succeeded(place, begunAt: streamBegan)
            } else {
                probed = nil
                chain.probed(place, nil)
            }
        }
        handler?.heardWords(transcript, provider: chain.name(place))
    }

    /// Whether a second recogniser is asked about an utterance in which the first found nothing at all. Where it has found words,
    /// nothing more is what there is: noise behind them.
    private func isDoubtful() -> Bool {
        guard doubt == nil, !hasWords, speech >= Self.leastSpeech, let start = utteranceStart,
            let next = chain.choose(excluding: [place])
        else { return false }
        doubt = (place, sent)
        handler?.recogniserChanged()
        closeStream()
        place = next
        finalDue = loop.now + finalDeadline
        watch(loop.now + finalDeadline)
        openStream(from: start)
        return true
    }

    func failed(_ failure: ProviderFailure, on stream: any SpeechToTextStream) {
        guard stream === self.stream, !isClosed else { return }
        self.stream = nil
        isOpen = false
        fail(failure)
    }
}
