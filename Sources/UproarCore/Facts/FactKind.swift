/// Every kind of fact, with its owner and the meaning of `value` and `detail`. Numbers are part of the stored format:
/// they are never reused. Times are `at` unless said otherwise.
package enum FactKind: UInt16, CaseIterable, Sendable {
    // The caller (UproarLoad). `at` of media facts is time at the ear; `value` is given where the wire differs.
    // `call` is the caller's own, whatever call a heard reference names.

    /// The call was due by the arrival plan. detail: index of the load line; value: of the channel in the scenario's list.
    case callDue = 1
    /// Dialling began.
    case callDialed = 2
    /// The agent accepted the call. detail: transport number; value: the port that its stream was dialled from, 0 when unknown.
    case callAnswered = 3
    /// The agent or the network refused it. detail: HTTP status, or 1000 + errno; value: as `callAnswered`.
    case callRefused = 4
    /// The call is over. detail: `CallOutcome`; value: `CallEnding`.
    case callEnded = 5
    /// First frame of an utterance. at: its due time; detail: clip index; value: nanoseconds of speech in it.
    case utteranceBegan = 10
    /// The caller's end: due time of the last voiced sample. value: how late its frame was sent (ns).
    case utteranceEnded = 11
    /// First audible agent sample after silence. value: its wire arrival (ns of the run).
    case agentAudible = 12
    /// Last audible agent sample before silence, stated once the silence is certain.
    case agentSilent = 13
    /// A head tag was heard: this reply's onset. value: wire arrival of that sample.
    case answerAudible = 14
    /// A tail tag was heard: this reply's end. value: wire arrival of that sample.
    case answerFinished = 15
    /// No answer within the caller's patience. value: patience (ns). The turn stays as a censored sample.
    case turnTimedOut = 16
    /// The caller speaks over the agent on purpose. at: first annotated sample; detail: `BargeInKind`.
    case bargeInBegan = 17
    /// The agent yielded: last audible sample after `bargeInBegan`. value: wire arrival.
    case bargeInStopped = 18
    /// The agent began to speak inside a labelled inner pause of the caller.
    case spokenOver = 19
    /// The transport emptied its playout buffer. value: nanoseconds of audio dropped.
    case playoutCleared = 20
    /// A gap in the agent's playout while it was speaking. value: its length (ns).
    case playoutGap = 21
    /// The caller sent a DTMF digit. detail: its character.
    case digitSent = 22
    /// The caller cut the agent short on purpose; the reply in progress counts as interrupted.
    case answerInterrupted = 23
    /// The call's totals, stated when it ends. value: nanoseconds connected.
    case callConnectedTime = 24
    /// value: bytes sent by the caller; detail: frames sent.
    case callSent = 25
    /// value: bytes received by the caller; detail: frames skipped (never sent).
    case callReceived = 26
    /// The conversation's own check of the call. detail: 1 passed, 0 failed.
    case taskChecked = 27
    /// Inter-arrival jitter of the agent's audio (RFC 3550 §6.4.1), stated when the call ends. value: ns.
    case callJitter = 28
    /// The agent showed text instead of speaking it. detail: its length in bytes.
    case textShown = 29
    /// The caller showed a picture. detail: its number in the conversation.
    case pictureShown = 30
    /// The call takes up a session whose call dropped. value: answers heard in it so far; detail: the session's first call.
    case callResumes = 31
    /// The caller wants no answer to this utterance.
    case nothingOwed = 32
    /// The agent said that it goes on with the call that dropped: the sign before those words was heard. value: wire arrival of its sample.
    case resumptionHeard = 33

    // Speech-to-text emulators.

    /// The head tag of an utterance was decoded. detail: connection ordinal.
    case speechRecognised = 40
    /// Last voiced sample of the utterance received. at: its arrival; value: its position in the stream (ns of audio).
    case speechEnded = 41
    /// An interim result that carries the whole utterance was sent.
    case interimSent = 42
    /// A final result was sent; the last one of an utterance counts.
    case finalSent = 43
    /// Audio received since the last such fact of this stream, stated every 10 s and when the stream ends.
    /// value: nanoseconds; detail: without references (ms).
    case speechToTextUsage = 44

    // Language-model emulators. The reference carries the reply number.

    /// A request arrived. detail: 1 when it follows a tool result of the same utterance, 2 when that says that the tool could not
    /// do its work (`"code": "unavailable"`), 3 when it is another error, else 0.
    case modelRequested = 50
    /// The first content (not a tool call) was sent.
    case modelFirstContent = 51
    /// The answer was sent whole. value: prompt tokens << 32 | completion tokens, references left out.
    case modelFinished = 52
    /// The client went away before the end. value as `modelFinished`.
    case modelCancelled = 53
    /// The answer was a tool call. detail: its ordinal in the answer; value: 1 when its id ends in the reply's reference.
    case modelToolCalled = 54
    /// A request held words of another call: the agent knows what was said before. Once for each pair. detail: the other call.
    case historyRecalled = 55
    /// A request held a reply to an earlier utterance of its call, as the agent takes it for said. reference: that reply; detail:
    /// `HeldPart`; value: the request's own reference.
    case historyHeld = 56
    /// A request held the result of a tool that was called for an earlier utterance of its call. reference: the reply that was that call;
    /// value: the request's own reference.
    case toolResultHeld = 57

    // Text-to-speech emulators.

    /// The first text of a reply arrived.
    case voiceTextReceived = 60
    /// Its first audio was sent.
    case voiceFirstAudio = 61
    /// Its last audio was sent. value: nanoseconds of speech without references; detail: characters without references.
    case voiceFinished = 62
    /// The client cancelled it. value, detail: what had been made so far.
    case voiceCancelled = 63

    // Any provider.

    /// A request or connection was refused or failed on purpose or by a limit. detail: HTTP status or close code.
    case providerRefused = 70
    /// A voice render was not ready in time: our lateness, not a vendor's. value: how late (ns).
    case providerLate = 71
    /// A text message was accepted. detail: its segments.
    case messageAccepted = 74
    /// A webhook took an event. value: how often this one has come by now; detail: 1 for a page to the person on call.
    case eventDelivered = 75
    /// A connection turned out to carry a call, or does so no more. detail: the port that it was dialled from; value:
    /// `StreamUse`.
    case streamUsed = 76
    /// A real vendor answered, and what it is paid for could not be counted from what passed.
    case usageUnknown = 77

    // The agent, as extra evidence only.

    /// The agent's own claim of a turn's latency. value: ns.
    case latencyClaimed = 80
    case failedOver = 81
    case breakerOpened = 82
    case breakerClosed = 83

    // Faults.

    case faultArmed = 90
    /// It bit. detail: the fault's number; call: whom, where that is known. Of a link, value: where on it (`LinkSite`).
    case faultEffective = 91
    case faultCleared = 92
}

/// How a call ended. Numbers are stored.
package enum CallOutcome: UInt32, CaseIterable, Sendable {
    /// The script ran to its end.
    case completed = 0
    /// The caller hung up because it lost patience.
    case abandoned = 1
    /// The agent or the network ended it before the script did.
    case dropped = 2
    /// Never answered: refused, or no answer in the set-up time.
    case refused = 3
    /// Due, but never dialled within its patience.
    case notStarted = 4
    /// The run ended (drain limit, second interrupt) while the call went on.
    case cutByRun = 5
}

/// Who ended a call, and how. Numbers are stored.
package enum CallEnding: Int64, CaseIterable, Sendable {
    case unknown = 0
    /// The caller hung up.
    case byCaller = 1
    /// The agent closed the stream in order.
    case byAgent = 2
    /// The stream broke.
    case broken = 3

    package var word: String {
        switch self {
        case .unknown: "unknown"
        case .byCaller: "by_caller"
        case .byAgent: "by_agent"
        case .broken: "broken"
        }
    }
}

package enum BargeInKind: UInt32, CaseIterable, Sendable {
    case interruption = 0
    case backchannel = 1
    case noise = 2
}

/// What a connection carries a call for. Numbers are stored.
package enum StreamUse: Int64, CaseIterable, Sendable {
    /// One request.
    case request = 0
    /// As long as it stands: a WebSocket.
    case stream = 1
    /// That request has been answered whole.
    case answered = 2
}

/// How much of a reply a conversation's history holds, told by the references at its beginning and its end. Numbers are stored.
package struct HeldPart: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let beginning = HeldPart(rawValue: 1)
    package static let end = HeldPart(rawValue: 2)
}
