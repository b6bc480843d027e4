import UproarCore
import UproarRuntime

/// One synthetic caller in one call: plays what its dialogue says, frame by frame, and hears what comes back.
///
/// Loop-owned. The data plane enters through `frameDue` and `heard`; it allocates nothing once a turn is under way.
package final class Caller: FrameSender, CallMediaHandler {
    package struct Plan {
        package var call: UInt32
        package var slot: Int
        package var due: Instant
        package var loadLine: UInt32
        /// From the answer; it then ends after the turn in progress. Nil: at the end of its script.
        package var length: Duration?
        package var setup: CallSetup
        package init(
            call: UInt32, slot: Int, due: Instant, loadLine: UInt32, length: Duration? = nil,
            setup: CallSetup
        ) {
            self.length = length
            self.call = call
            self.slot = slot
            self.due = due
            self.loadLine = loadLine
            self.setup = setup
        }
    }

    // What each frame needs stands first, on one cache line: of a thousand callers none stays in the cache.
    /// When ear or dialogue want to be looked at again.
    private var attention = Instant.zero
    private var media: (any CallMedia)?
    private let shared: CallerLibrary
    private let loop: EventLoop
    private var framesSent: UInt32 = 0
    private var isHangingUp = false
    private var isOver = false
    private var isSpeaking = false
    private var framesSkipped: UInt32 = 0
    /// What the call sounded like, when it was asked for.
    private var tape: CallTape?
    private var speech: SpokenUtterance? { didSet { isSpeaking = speech != nil } }
    private var soundCheck: SoundCheck?
    private var ear: Ear

    private let plan: Plan
    private let engine: CallerEngine
    private let line: CallLine
    private let facts: any FactSink
    private let ended: (Caller, CallMediaEnd) -> Void
    private var dialogue: Dialogue
    private var speechUtterance: UInt32?
    private var bargeIn: (kind: BargeInKind, utterance: UInt32)?
    private var answeredAt: Instant?
    private var outcome: CallOutcome?
    private var hasJoinedEngine = false
    private let format: AudioFormat
    private var tapeSink: (any TapeSink)?
    /// When the agent became audible; nil while it is silent.
    private var audibleSince: Instant?
    private var longestSpeech = Duration.zero
    /// The caller has said something to its end.
    private var hasSpoken = false
    /// An agent that was audible for so long without a break, before the caller got to speak, is remarked on.
    private static let endlessSpeech = Duration.seconds(5)
    /// What people should know of this call, each once.
    package private(set) var remarks: [String] = []
    /// Replies to this call's own utterances.
    package private(set) var answersHeard = 0

    package var call: UInt32 { plan.call }
    package var isAnswered: Bool { answeredAt != nil }

    init(
        plan: Plan, dialogue: Dialogue, line: CallLine, loop: EventLoop,
        engine: CallerEngine, facts: any FactSink,
        ended: @escaping (Caller, CallMediaEnd) -> Void
    ) {
        self.plan = plan
        self.dialogue = dialogue
        self.line = line
        format = line.transport.format
        ear = Ear(format: format)
        if format.encoding == .mulaw { soundCheck = SoundCheck() }
        self.loop = loop
        self.engine = engine
        shared = line.library
        self.facts = facts
        self.ended = ended
    }

    // MARK: Verbs of the driver

    func dial() {
        let now = loop.now
        state(.callDialed, at: now, value: (now - plan.due).nanoseconds)
        media = line.transport.dial(plan.setup, handler: self)
    }

    /// Keeps the audio of both sides from the answer on.
    func keepTape(in sink: any TapeSink) { tapeSink = sink }

    /// Ends the call after the turn in progress.
    package func endAfterTurn() {
        guard !isOver else { return }
        guard isAnswered else { return hangUpNow(.cutByRun) }
        perform(dialogue.endAfterTurn(loop.now), now: loop.now)
    }

    /// Hangs up at once.
    package func hangUpNow(_ outcome: CallOutcome = .cutByRun) {
        guard !isOver, !isHangingUp else { return }
        isHangingUp = true
        self.outcome = outcome
        media?.hangUp()
    }

    // MARK: FrameSender

    package var memory: [MemoryPart] { [MemoryPart(of: self, first: 192)] + (media?.memory ?? []) }

    /// All before what hears tags, which mostly nobody says.
    package var hearingMemory: MemoryPart { MemoryPart(of: self, first: 576) }

    package func frameDue(_ due: Instant, now: Instant) -> Instant {
        if now >= attention { attend(now) }
        guard let media, !isHangingUp, !isOver else { return due }
        guard isSpeaking else {
            media.send(shared.silence, frame: 0)
            tape?.sent(shared.silence.samples(ofFrame: 0), due: due)
            framesSent += 1
            return loop.now
        }
        return speakFrame(due, media)
    }

    /// Looks after ear and dialogue, one of which has said that it is time.
    private func attend(_ now: Instant) {
        if now >= ear.nextEventAt { hear(now) }
        if now >= dialogue.deadline { perform(dialogue.tick(now), now: now) }
        foresee()
    }

    private func foresee() {
        attention = .distantFuture
        attend(by: ear.nextEventAt)
        attend(by: dialogue.deadline)
    }

    private func attend(by time: Instant) { if time < attention { attention = time } }

    package func frameSkipped(due: Instant) {
        framesSkipped += 1
        // What was never sent was never said; time goes on all the same.
        guard speech != nil, !isHangingUp, !isOver else { return }
        _ = advanceSpeech(due)
        settleSpeech(due, loop.now)
    }

    private func speakFrame(_ due: Instant, _ media: any CallMedia) -> Instant {
        guard let (audio, frame) = advanceSpeech(due) else { return due }
        media.send(audio, frame: frame)
        tape?.sent(audio.samples(ofFrame: frame), due: due)
        framesSent += 1
        let sent = loop.now
        settleSpeech(due, sent)
        return sent
    }

    /// Takes the next frame of what is being said, stating where it begins.
    private func advanceSpeech(_ due: Instant) -> (any PreparedAudio, Int)? {
        guard isSpeaking else { return nil }
        if speech!.next == 0 {
            speech!.start = due
            stateBeginning()
        }
        return speech!.take(shared)
    }

    private func stateBeginning() {
        guard let speech else { return }
        if let number = speechUtterance {
            let length = speech.clip.description.speech
            state(
                .utteranceBegan, at: speech.start, utterance: number,
                value: (length.upperBound - length.lowerBound).nanoseconds,
                detail: UInt32(speech.clipIndex))
        } else if let bargeIn {
            state(
                .bargeInBegan, at: speech.speechStart, utterance: bargeIn.utterance,
                detail: bargeIn.kind.rawValue)
        }
    }

    /// After a frame went out: the caller's end, and the end of the clip.
    private func settleSpeech(_ due: Instant, _ sent: Instant) {
        guard isSpeaking else { return }
        guard speech!.next - 1 == speech!.lastVoicedFrame || speech!.isOver else { return }
        guard let current = speech else { return }
        if let number = speechUtterance, current.next - 1 == current.lastVoicedFrame {
            hasSpoken = true
            state(
                .utteranceEnded, at: current.speechEnd, utterance: number,
                value: (sent - due).nanoseconds)
        }
        guard current.isOver else { return }
        speech = nil
        perform(dialogue.finishedSpeaking(speechEnd: current.speechEnd, now: sent), now: sent)
    }

    // MARK: CallMediaHandler

    package func answered(at: Instant) {
        answeredAt = at
        state(.callAnswered, at: at, value: Int64(media?.localPort ?? 0))
        tape = tapeSink.map { CallTape(call: plan.call, format: format, start: at, sink: $0) }
        perform(dialogue.callAnswered(at), now: at)
        guard !isOver, !isHangingUp else { return }
        hasJoinedEngine = true
        ear.begin(at: at)
        engine.add(self, slot: plan.slot)
        if let length = plan.length {
            loop.schedule(at: at + length) { [weak self] in self?.endAfterTurn() }
        }
    }

    package func heard(_ audio: RawSpan, playsAt: Instant, arrivedAt: Instant) {
        ear.hear(audio, playsAt: playsAt, arrivedAt: arrivedAt)
        attend(by: ear.nextEventAt)
        tape?.heard(audio, playsAt: playsAt)
        if soundCheck != nil { checkSound(audio, arrivedAt) }
    }

    private func checkSound(_ audio: RawSpan, _ now: Instant) {
        if let finding = soundCheck?.hear(audio) { remarked(finding.text, at: now) }
        if soundCheck?.isOver == true { soundCheck = nil }
    }

    package func remarked(_ text: String, at: Instant) {
        if !remarks.contains(text) { remarks.append(text) }
    }

    package func cleared(at: Instant) {
        state(.playoutCleared, at: at, value: ear.clear(at: at).nanoseconds)
        foresee()
        tape?.cleared(at: at)
    }

    package func shown(_ text: String, at: Instant) {
        state(.textShown, at: at, detail: UInt32(clamping: text.utf8.count))
    }

    package func ended(_ end: CallMediaEnd, at: Instant) {
        guard !isOver else { return }
        if isAnswered {
            hear(at)
            noteSilence(at)
        }
        if !hasSpoken, longestSpeech >= Self.endlessSpeech {
            remarked(
                "the agent did not fall silent for 5 s or more: the caller never got to say a sentence to its end",
                at: at)
        }
        isOver = true
        dialogue.callEnded()
        if hasJoinedEngine { engine.remove(self, slot: plan.slot) }
        tape?.finish()
        stateEnd(end, at)
        ended(self, end)
        media = nil
    }

    /// The other side ended the call before its time.
    package var wasDropped: Bool { isOver && isAnswered && outcome == .dropped }

    private func stateEnd(_ end: CallMediaEnd, _ at: Instant) {
        let port = Int64(media?.localPort ?? 0)
        switch end {
        case .refused(let status, _):
            state(.callRefused, at: at, value: port, detail: UInt32(clamping: status))
            outcome = .refused
        case .unhooked(let problem):
            state(.callRefused, at: at, value: port, detail: UInt32(clamping: problem.status ?? 0))
            outcome = .refused
        case .unreachable, .untrusted, .noAnswer:
            state(.callRefused, at: at, value: port)
            outcome = .refused
        case .hungUp: break
        case .closedByAgent, .broken:
            if isAnswered { outcome = dialogueOutcome(end) } else { outcome = .refused }
        }
        if let answeredAt, let media {
            state(.callConnectedTime, at: at, value: (at - answeredAt).nanoseconds)
            state(.callSent, at: at, value: Int64(media.sentByteCount), detail: framesSent)
            state(
                .callReceived, at: at, value: Int64(media.receivedByteCount), detail: framesSkipped)
            ear.stateTotals(at: at) { kind, value in state(kind, at: at, value: value) }
        }
        state(
            .callEnded, at: at, value: Self.ending(end).rawValue,
            detail: (outcome ?? .dropped).rawValue)
    }

    private static func ending(_ end: CallMediaEnd) -> CallEnding {
        switch end {
        case .hungUp: .byCaller
        case .closedByAgent: .byAgent
        case .broken: .broken
        case .refused, .unreachable, .untrusted, .noAnswer, .unhooked: .unknown
        }
    }

    /// A call that ends from the other side while we were hanging up is over as we meant it; else it was dropped.
    private func dialogueOutcome(_ end: CallMediaEnd) -> CallOutcome {
        isHangingUp ? outcome ?? .completed : .dropped
    }

    // MARK: Hearing

    private func hear(_ now: Instant) {
        while let event = ear.next(by: now) {
            switch event {
            case .audible(let at, let wire):
                audibleSince = at
                state(.agentAudible, at: at, value: wire.nanoseconds)
                if let speech, speechUtterance != nil, speech.isInnerPause(at) {
                    state(.spokenOver, at: at, utterance: speechUtterance!)
                }
                perform(dialogue.agentBecameAudible(at, now: now), now: now)
            case .silent(let at):
                noteSilence(at)
                state(.agentSilent, at: at)
                perform(dialogue.agentBecameSilent(at, now: now), now: now)
            case .head(let bits, let at, let wire):
                guard let reference = reference(bits) else {
                    if shared.key?.reference(bits) == .resumption {
                        state(.resumptionHeard, at: at, value: wire.nanoseconds)
                    }
                    continue
                }
                stateHeard(.answerAudible, reference, at: at, wire: wire)
                guard reference.call == plan.call else { continue }
                answersHeard += 1
                perform(dialogue.answerHeard(utterance: reference.utterance, at: at), now: now)
            case .tail(let bits, let at, let wire):
                guard let reference = reference(bits) else { continue }
                stateHeard(.answerFinished, reference, at: at, wire: wire)
                guard reference.call == plan.call else { continue }
                perform(
                    dialogue.answerFinished(utterance: reference.utterance, at: at, now: now),
                    now: now)
            case .gap(let at, let length):
                state(.playoutGap, at: at, value: length.nanoseconds)
            }
        }
    }

    private func noteSilence(_ at: Instant) {
        guard let since = audibleSince else { return }
        longestSpeech = max(longestSpeech, at - since)
        audibleSince = nil
    }

    /// The reference behind a decoded tag; nil for noise that happened to decode.
    private func reference(_ bits: UInt32) -> TurnReference? {
        guard let reference = shared.key?.reference(bits), reference.call < shared.callLimit
        else {
            return nil
        }
        return reference
    }

    // MARK: Effects

    private func perform(_ effects: [Dialogue.Effect], now: Instant) {
        attend(by: dialogue.deadline)
        for effect in effects {
            switch effect {
            case .speak(let clip, let utterance):
                var tag: [UInt8] = []
                if let utterance, let key = shared.key {
                    let reference = TurnReference(call: plan.call, utterance: utterance)
                    tag = shared.headTag(key.wire(reference))
                }
                speechUtterance = utterance
                speech = SpokenUtterance(
                    clip: shared.clips[clip], index: clip, tag: tag, start: now)
            case .makeNoise(let clip):
                // Nobody barges in.
                bargeIn = nil
                speechUtterance = nil
                speech = SpokenUtterance(
                    clip: shared.clips[clip], index: clip, tag: [], start: now)
            case .stopSpeaking:
                stopSpeaking(now)
            case .send(let digit):
                media?.send(digit: digit)
                state(.digitSent, at: now, detail: digit.unicodeScalars.first!.value)
            case .show(let picture):
                // A channel without pictures shows none.
                guard line.pictures.indices.contains(picture), let shown = line.pictures[picture]
                else { continue }
                media?.show(shown)
                state(.pictureShown, at: now, detail: UInt32(picture))
            case .hangUp(let outcome):
                hangUpNow(outcome)
            case .timedOut(let utterance, let patience):
                state(.turnTimedOut, at: now, utterance: utterance, value: patience.nanoseconds)
            case .nothingOwed(let utterance):
                state(.nothingOwed, at: now, utterance: utterance)
            case .bargedIn(let kind, let utterance, _):
                bargeIn = (kind, utterance)
            case .interrupted(let utterance):
                state(.answerInterrupted, at: now, utterance: utterance)
            case .yielded(let at):
                if let bargeIn {
                    state(
                        .bargeInStopped, at: at, utterance: bargeIn.utterance,
                        detail: bargeIn.kind.rawValue)
                }
            }
        }
    }

    /// The caller yields: what was said so far is the utterance.
    private func stopSpeaking(_ now: Instant) {
        guard let current = speech else { return }
        speech = nil
        guard let number = speechUtterance, current.next <= current.lastVoicedFrame else { return }
        state(.utteranceEnded, at: now, utterance: number, detail: 1)
    }

    // MARK: Facts

    private func state(
        _ kind: FactKind, at: Instant, utterance: UInt32? = nil, value: Int64 = 0,
        detail: UInt32 = 0
    ) {
        let reference = utterance.map { TurnReference(call: plan.call, utterance: $0) }
        facts.state(
            Fact(
                kind, at: at, call: plan.call, reference: reference, value: value, detail: detail,
                origin: .caller))
    }

    /// A reply heard on this call, whichever call it belongs to.
    private func stateHeard(
        _ kind: FactKind, _ reference: TurnReference, at: Instant, wire: Instant
    ) {
        facts.state(
            Fact(
                kind, at: at, call: plan.call, reference: reference, value: wire.nanoseconds,
                origin: .caller))
    }
}
