import UproarCore

/// The turns of one call: each utterance with its reply, its stages and what was wrong with it.
///
/// ```
/// caller  ▇▇▇▇▇▇|ended                                                        |next began
///   stt          uplink|——stt——|final
///   llm                        endpointing|tools|——first token——|
///   tts                                                         sentence|——first byte——|
///   ear                                                                        downlink|▇▇▇▇▇▇▇▇▇▇
/// ```
struct TurnFold {
    private(set) var turns: [TurnRecord] = []

    /// The longest pause between the sentences of one reply.
    private static let pauseLimit = Duration.seconds(2)

    private let timeline: CallFacts
    private let description: CallDescription
    private let call: CallRecord
    private let settings: FoldSettings

    /// A reply that was heard for this much less than was spoken into it still counts as whole: its tail tag was not decoded.
    private static let lengthTolerance = Duration.milliseconds(250)

    /// A tool's result may take so long.
    private static let longestTool = Duration.seconds(10)

    init(
        _ timeline: CallFacts, _ description: CallDescription, _ call: CallRecord,
        _ settings: FoldSettings
    ) {
        self.timeline = timeline
        self.description = description
        self.call = call
        self.settings = settings
        let owed = timeline.utterances.filter { $0.ended != nil }
        for (place, utterance) in owed.enumerated() {
            let next = place + 1 < owed.count ? owed[place + 1].began : nil
            turns.append(turn(utterance, until: next ?? .distantFuture))
        }
    }

    private func turn(_ utterance: CallFacts.Utterance, until next: Instant) -> TurnRecord {
        let ended = utterance.ended ?? .zero
        var turn = TurnRecord(
            utterance: utterance.number, clip: utterance.clip, began: utterance.began ?? ended,
            ended: ended)
        let reference = TurnReference(call: description.id, utterance: utterance.number)
        let onset = onset(turn, reference, until: next)
        let heard = timeline.answers.filter { $0.reference.asUtterance == reference }
        let finished = timeline.finishes.filter { $0.reference.asUtterance == reference }
        let reply = heard.first
        // A tail without a head is an answer whose beginning was not told apart.
        let answeredAt =
            description.isTagged ? reply?.at ?? finished.first?.at : onset?.onset
        turn.reply = (reply ?? finished.first)?.reference.reply
        turn.outcome = outcome(utterance, answeredAt: answeredAt)
        turn.marks = marks(turn, heard, finished, until: next)

        let limit = utterance.timedOut ?? .distantFuture
        let censored = turn.outcome == .lost || turn.outcome == .late
        let patience = description.patience
        if let onset, onset.onset < limit {
            turn.voiceToVoice = .exact(onset.onset - ended)
            turn.voiceToVoiceActual = .exact(onset.onset - ended - utterance.endLateness)
            turn.voiceToVoiceWire = onset.wire - ended
        } else if censored {
            turn.voiceToVoice = .atLeast(patience)
            turn.voiceToVoiceActual = .atLeast(patience)
        }
        if description.isTagged {
            if let reply, reply.at < limit {
                turn.voiceToAnswer = .exact(reply.at - ended)
            } else if censored {
                turn.voiceToAnswer = .atLeast(patience)
            }
        }
        if let reply {
            fillStages(&turn, reference, reply)
        } else if description.isTagged {
            turn.reached = reached(reference)
        }
        let silence = deadAir(turn, until: min(answeredAt ?? next, min(limit, next)))
        turn.deadAir = silence
        switch silence {
        case .exact(let length), .atLeast(let length):
            if length > settings.deadAirLimit { turn.marks.insert(.deadAir) }
        case nil: break
        }
        turn.mispredictions = UInt32(
            timeline.mispredictions.count { $0 >= turn.began && $0 < ended })
        turn.claimGap = claimGap(turn, reference)
        turn.isToolResultKept = isToolResultKept(turn, reference)
        return turn
    }

    // MARK: Onset

    /// The first audible sample that answers this utterance by voice: reply, filler or anything else.
    ///
    /// Speech that was over before the caller ended is talk-over, not an answer; speech that holds the end of an earlier reply
    /// is that reply's rest.
    private func onset(_ turn: TurnRecord, _ reference: TurnReference, until next: Instant)
        -> SpeechRun?
    {
        timeline.speech.first { run in
            guard run.onset >= turn.began, run.onset < next else { return false }
            let end = run.end ?? .distantFuture
            if end < turn.ended { return false }
            let answers = timeline.answers.contains {
                $0.at >= run.onset && $0.at <= end && $0.reference.asUtterance == reference
            }
            let ends = timeline.finishes.contains {
                $0.at >= run.onset && $0.at <= end && $0.reference.asUtterance != reference
            }
            return answers || !ends
        }
    }

    // MARK: Ledger

    private func outcome(_ utterance: CallFacts.Utterance, answeredAt: Instant?) -> TurnOutcome {
        if let answeredAt {
            return utterance.timedOut.map { answeredAt < $0 } ?? true ? .answered : .late
        }
        if !utterance.isAnswerOwed { return .open }
        if utterance.timedOut != nil { return .lost }
        switch call.outcome {
        case .dropped, .abandoned: return .lost
        case .completed, .cutByRun, .refused, .notStarted:
            // The next utterance came without a time-out: the caller gave the reply up, so it was owed.
            let isLast = timeline.utterances.last { $0.ended != nil }?.number == utterance.number
            return isLast ? .open : .lost
        }
    }

    private func marks(
        _ turn: TurnRecord, _ heard: [CallFacts.Heard], _ finished: [CallFacts.Heard],
        until next: Instant
    ) -> TurnMarks {
        var marks: TurnMarks = []
        if timeline.speech.contains(where: { $0.onset >= turn.began && $0.onset < turn.ended }) {
            marks.insert(.talkedOver)
        }
        if timeline.answers.contains(where: {
            $0.reference.call != description.id && $0.at >= turn.began && $0.at < next
        }) {
            marks.insert(.crossTalked)
        }
        if heard.contains(where: { $0.at >= next }) { marks.insert(.stale) }
        if heard.enumerated().count(where: { !isContinuation($1, isFirst: $0 == 0) }) > 1 {
            marks.insert(.duplicated)
        }
        for (place, reply) in heard.enumerated() {
            let end = place + 1 < heard.count ? heard[place + 1].at : max(next, reply.at)
            let over = timeline.answers.first { $0.at > reply.at }?.at ?? .distantFuture
            if wasInterrupted(reply) {
                marks.insert(.interrupted)
            } else if over == .distantFuture, next == .distantFuture, mightHaveGoneOn() {
                continue
            } else if !finished.contains(where: { $0.reference == reply.reference }),
                wasCutShort(reply, until: min(end, over)) || wasHalfSaid(reply, finished)
            {
                marks.insert(.truncated)
            }
        }
        if hasDrifted(turn, heard, finished, until: next) { marks.insert(.drifted) }
        return marks
    }

    /// The history of the next question against the ear: a reply that stands there and was not heard, to its end or at all; or one
    /// that was heard and does not stand there. An agent that sends no history of replies at all keeps it elsewhere.
    private func hasDrifted(
        _ turn: TurnRecord, _ heard: [CallFacts.Heard], _ finished: [CallFacts.Heard],
        until next: Instant
    ) -> Bool {
        guard
            let asked = (timeline.stated[.modelRequested] ?? []).first(where: {
                $0.reference.utterance > turn.utterance && $0.detail == 0 && $0.at >= next
            })
        else { return false }
        let all = (timeline.stated[.historyHeld] ?? []).filter {
            $0.value == Int64(asked.reference.rawValue)
        }
        guard !all.isEmpty else { return false }
        let held = all.filter { $0.reference.utterance == turn.utterance }
        for reply in held {
            let isWhole = finished.contains { $0.reference == reply.reference }
            let onset = heard.first { $0.reference == reply.reference }
            guard isWhole || onset != nil else { return true }
            guard HeldPart(rawValue: reply.detail).contains(.end), !isWhole, let onset else {
                continue
            }
            if wasCutShort(onset, until: next) { return true }
        }
        return heard.contains { reply in
            reply.at < next && !held.contains { $0.reference == reply.reference }
        }
    }

    /// A later reply that a request after a tool result brought goes on with the same answer: no duplicate.
    private func isContinuation(_ reply: CallFacts.Heard, isFirst: Bool) -> Bool {
        !isFirst
            && (timeline.stated[.modelRequested] ?? []).contains {
                $0.reference == reply.reference && $0.detail != 0
            }
    }

    private func wasInterrupted(_ reply: CallFacts.Heard) -> Bool {
        func isInProgress(_ at: Instant) -> Bool {
            timeline.answers.last { $0.at <= at }?.reference == reply.reference
        }
        if timeline.interruptions.contains(where: { cut in
            cut.reference.map { $0 == reply.reference } ?? isInProgress(cut.at)
        }) {
            return true
        }
        return call.bargeIns.contains {
            $0.kind == .interruption && $0.outcome != .missed && $0.outcome != .unjudged
                && isInProgress($0.at)
        }
    }

    /// The run cut the call in the midst of this reply, its last: in its sound, or in a pause between its sentences. A call that is still
    /// under way has no end yet.
    private func mightHaveGoneOn() -> Bool {
        guard call.outcome == .cutByRun, let cut = call.ended else {
            return call.outcome == .cutByRun
        }
        let last = timeline.speech.last { $0.onset < cut }?.end ?? cut
        return last + Self.pauseLimit >= cut
    }

    /// No tail tag: was the reply really cut? Not when the call or the run ended in its midst on the caller's side,
    /// nor when it was heard for as long as was spoken into it.
    private func wasCutShort(_ reply: CallFacts.Heard, until end: Instant) -> Bool {
        let runs = timeline.speech.filter {
            $0.onset < end && ($0.end ?? .distantFuture) >= reply.at
        }
        guard let last = runs.last else { return true }
        if last.end == nil { return call.outcome == .dropped }
        var heard = Duration.zero
        for run in runs {
            let stop = min(run.end ?? end, end)
            let start = max(run.onset, reply.at)
            if stop > start { heard += stop - start }
        }
        let spoken = (timeline.stated[.voiceFinished] ?? [])
            .filter { $0.reference == reply.reference }.map { Duration.nanoseconds($0.value) }.max()
        return spoken.map { heard < $0 - Self.lengthTolerance } ?? true
    }

    /// The model broke off in this reply, and what came of it was spoken for the whole: nothing after it was heard to its end.
    private func wasHalfSaid(_ reply: CallFacts.Heard, _ finished: [CallFacts.Heard]) -> Bool {
        func states(_ kind: FactKind) -> Bool {
            (timeline.stated[kind] ?? []).contains { $0.reference == reply.reference }
        }
        return states(.modelFirstContent) && !states(.modelFinished)
            && !finished.contains { $0.at >= reply.at }
    }

    // MARK: Stages

    /// Walks back from the heard reply, so that retries and cancelled replies leave no trace in the stages.
    private func fillStages(
        _ turn: inout TurnRecord, _ reference: TurnReference, _ reply: CallFacts.Heard
    ) {
        let final = timeline.ofUtterance(.finalSent, reference).last
        let ends = timeline.ofUtterance(.speechEnded, reference)
        let speechEnd =
            ends.last { $0.provider == final?.provider && $0.at <= final?.at ?? .distantFuture }
            ?? ends.last
        let firstRequest = timeline.ofUtterance(.modelRequested, reference).first
        let audio = timeline.last(.voiceFirstAudio, reply.reference, notAfter: reply.at)
        let text = timeline.last(
            .voiceTextReceived, reply.reference, notAfter: audio?.at ?? reply.at)
        let content = timeline.last(
            .modelFirstContent, reply.reference, notAfter: text?.at ?? reply.at)
        let request = timeline.last(
            .modelRequested, reply.reference, notAfter: content?.at ?? reply.at)
        turn.speechToText = (final ?? speechEnd)?.provider
        turn.languageModel = (content ?? request)?.provider
        turn.textToSpeech = (audio ?? text)?.provider
        let bounds: [Instant?] = [
            turn.ended, speechEnd?.at, final?.at, firstRequest?.at, request?.at, content?.at,
            text?.at, audio?.at, reply.at,
        ]
        for stage in Stage.allCases {
            guard let from = bounds[stage.place], let to = bounds[stage.place + 1] else { continue }
            turn[stage] = to - from
        }
    }

    /// How far a turn without an answer came.
    private func reached(_ reference: TurnReference) -> Stage? {
        let marks: [(FactKind, Stage)] = [
            (.voiceFirstAudio, .textToSpeech), (.modelFirstContent, .languageModel),
            (.modelToolCalled, .tools), (.modelRequested, .endpointing),
            (.finalSent, .speechToText), (.speechEnded, .uplink), (.speechRecognised, .uplink),
        ]
        return marks.first { !timeline.ofUtterance($0.0, reference).isEmpty }?.1
    }

    // MARK: Tools

    /// Whether the result of this turn's tool, which the caller did not wait for, stands in a question about what he said later. Nil when
    /// he waited, and when no such question came as long after the call as a tool may take.
    private func isToolResultKept(_ turn: TurnRecord, _ reference: TurnReference) -> Bool? {
        let calls = timeline.ofUtterance(.modelToolCalled, reference).filter { $0.value == 1 }
        guard turn.outcome != .answered, let called = calls.first,
            !timeline.ofUtterance(.modelRequested, reference).contains(where: { $0.detail != 0 })
        else { return nil }
        if !timeline.ofUtterance(.toolResultHeld, reference).isEmpty { return true }
        let isAskedLater = (timeline.stated[.modelRequested] ?? []).contains {
            $0.reference.utterance > turn.utterance && $0.at >= called.at + Self.longestTool
        }
        return isAskedLater ? false : nil
    }

    // MARK: Silence

    /// The longest stretch without agent audio between the caller's end and `end`; nil when nothing was owed in silence.
    private func deadAir(_ turn: TurnRecord, until end: Instant) -> TurnSample? {
        let limit = min(end, call.ended ?? .distantFuture)
        guard turn.outcome != .open, limit != .distantFuture, limit > turn.ended else { return nil }
        var longest = Duration.zero
        var silentSince = turn.ended
        for run in timeline.speech where (run.end ?? .distantFuture) > turn.ended {
            guard run.onset < limit else { break }
            longest = max(longest, run.onset - silentSince)
            silentSince = max(silentSince, run.end ?? limit)
        }
        let last = limit - silentSince
        // The silence a time-out cuts short went on: only its lower limit is known.
        if last >= longest, turn.outcome != .answered { return .atLeast(last) }
        return .exact(max(longest, last))
    }

    private func claimGap(_ turn: TurnRecord, _ reference: TurnReference) -> Duration? {
        guard case .exact(let heard)? = turn.voiceToVoice,
            let claim = timeline.ofUtterance(.latencyClaimed, reference).last
        else { return nil }
        return heard - .nanoseconds(claim.value)
    }
}
