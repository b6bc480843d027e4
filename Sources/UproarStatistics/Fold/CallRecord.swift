import UproarCore

/// Everything one call came to. Instants are since the run's first due arrival; what was not observed is nil.
package struct CallRecord: Hashable, Sendable {
    package var id: UInt32
    package var tags: MetricTags
    package var isTagged: Bool
    package var patience: Duration
    package var due: Instant?
    package var dialed: Instant?
    package var answered: Instant?
    package var ended: Instant?
    package var outcome: CallOutcome
    /// Who ended it, and how.
    package var ending = CallEnding.unknown
    /// HTTP status, or 1000 + errno, of a refused call.
    package var refusal: UInt32?
    /// Why it was refused or dropped, in words; nil of every other call.
    package var reason: String?
    package var turns: [TurnRecord] = []
    package var greeting: Duration?
    package var bargeIns: [BargeInRecord] = []
    package var gaps: [GapRecord] = []
    package var jitter: Duration?
    package var connected: Duration = .zero
    package var bytesSent: Int64 = 0
    package var bytesReceived: Int64 = 0
    package var framesSent: UInt32 = 0
    package var framesSkipped: UInt32 = 0
    package var usage: [UsageRecord] = []
    /// US dollars; nil when nothing was used that the emulators saw, or the price file lacks a price.
    package var cost: Double?
    package var taskPassed: Bool?
    /// Of a call that takes up one that dropped: the agent still knew what had been said. Nil where there was nothing to know,
    /// or nobody got to ask.
    package var resumed: Bool?
    /// Of the same calls: the caller heard that the agent goes on with the earlier one. Nil where nobody knows by which words.
    package var isToldOfResumption: Bool?
    /// The agent showed text instead of speaking.
    package var shownText = false
    /// Replies of other calls heard on this one.
    package var crossTalkCount: UInt32 = 0
    /// Voice renders of the emulators that were not ready in time: the harness's fault.
    package var lateRenders: UInt32 = 0
    /// When the agent was audible, in order; the last one is open when the call ended in it.
    package var agentSpeech: [SpeechRun] = []
    /// Facts of kinds or times that made no sense here.
    package var strangeFacts: UInt32 = 0

    package init(_ description: CallDescription, outcome: CallOutcome) {
        id = description.id
        tags = description.tags
        isTagged = description.isTagged
        patience = description.patience
        self.outcome = outcome
    }

    /// From the intended start.
    package var setup: Duration? {
        guard let due, let answered else { return nil }
        return answered - due
    }
}

/// One stretch in which the agent was audible.
package struct SpeechRun: Hashable, Sendable {
    package var onset: Instant
    /// When the first sample arrived on the wire.
    package var wire: Instant
    /// Last audible sample; nil when the call ended before silence was certain.
    package var end: Instant?

    package init(onset: Instant, wire: Instant, end: Instant?) {
        self.onset = onset
        self.wire = wire
        self.end = end
    }
}

package struct GapRecord: Hashable, Sendable {
    package var at: Instant
    package var length: Duration

    package init(at: Instant, length: Duration) {
        self.at = at
        self.length = length
    }
}

package struct UsageRecord: Hashable, Sendable {
    package var provider: ProviderID
    package var usage: ProviderUsage
    /// US dollars; nil when the price file lacks a price.
    package var cost: Double?

    package init(provider: ProviderID, usage: ProviderUsage, cost: Double?) {
        self.provider = provider
        self.usage = usage
        self.cost = cost
    }
}

/// The caller spoke (or coughed) over the agent on purpose, and what the agent did.
package struct BargeInRecord: Hashable, Sendable {
    package enum Outcome: String, CaseIterable, Sendable {
        /// Stopped within the limit of an interruption.
        case yielded
        /// Stopped, but later than the limit.
        case late
        /// Spoke its reply to the end over the interruption.
        case missed
        /// Stopped for a backchannel or a noise.
        case `false`
        /// Stopped and then went on with the same reply.
        case resumed
        /// Went on through a backchannel or a noise, as it should.
        case held
        /// The agent was silent, or ended by itself before it could have yielded: nothing to judge.
        case unjudged
    }

    package var at: Instant
    package var kind: BargeInKind
    package var outcome: Outcome
    /// First annotated sample of the stimulus to the last audible one of the agent.
    package var stop: Duration?

    package init(at: Instant, kind: BargeInKind, outcome: Outcome, stop: Duration?) {
        self.at = at
        self.kind = kind
        self.outcome = outcome
        self.stop = stop
    }
}
