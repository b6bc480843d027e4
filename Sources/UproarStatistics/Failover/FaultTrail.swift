import UproarCore

/// What happened on one call at the role that a fault acts on, and what that means for the failing over.
///
/// A call that owes nothing has nothing to fail over: a recogniser owes words from the caller's end on (one that stood in may
/// give them sooner), a model from its question, a voice from the text it is to speak. From the fault's effect to that moment
/// nothing can be seen, so the time is known only to within this slack.
///
/// ```
///  effect          caller's end      asked elsewhere      its words
///    ├──── slack ──────┼──── decide ──────┼─── establish ────┤
///                      └────────────── failover ─────────────┘
/// ```
struct FaultTrail: Sendable {
    enum What: UInt8, Sendable {
        case effect, began, ended, text, asked, succeeded, over, agentSpoke, answerHeard,
            answerEnded
    }

    struct Event: Sendable {
        var at: Instant
        var what: What
        var provider: ProviderID?
        var utterance: UInt32
    }

    /// What became of the first thing owed under the fault.
    struct Way: Sendable {
        /// From when the alternate was owed.
        var owed: Instant
        /// How long before that the fault had met the call already.
        var slack: Duration
        var asked: Instant?
        var succeeded: Instant?
        /// The provider itself did it, sooner than anybody else.
        var primary: Instant?
    }

    private(set) var events: [Event] = []
    private(set) var firstEffect: Instant?

    /// More of one call are not kept: an hour under a fault has fewer turns.
    private static let limit = 2048
    /// Kept before a fault has begun.
    private static let historyLimit = 64

    mutating func note(
        _ what: What, at: Instant, by provider: ProviderID? = nil, utterance: UInt32 = 0,
        isArmed: Bool
    ) {
        if what == .effect { firstEffect = min(firstEffect ?? at, at) }
        if !isArmed, events.count >= 2 * Self.historyLimit {
            events.removeFirst(Self.historyLimit)
        }
        guard events.count < Self.limit else { return }
        events.append(Event(at: at, what: what, provider: provider, utterance: utterance))
    }

    /// Facts of several processes come out of order.
    var sorted: [Event] {
        events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element)
    }
}

/// Who is who for one fault.
struct FaultSides: Sendable {
    let subject: FaultHistory.Subject

    func isPrimary(_ provider: ProviderID) -> Bool { subject.providers.contains(provider) }

    /// Another provider of a role that the fault acts on; of a partial fault also the same one, asked otherwise.
    func isAlternate(_ provider: ProviderID) -> Bool {
        if subject.providers.contains(provider) { return false }
        return subject.providers.contains { $0.role == provider.role }
    }
}

extension FaultTrail {
    /// The way of the first debt that the fault's provider did not pay itself while it lasted; nil when there was none.
    ///
    /// - start: when the fault began to matter to the call.
    /// - over: when it ended.
    func way(
        _ sides: FaultSides, from start: Instant, over: Instant, watchedUntil: Instant
    ) -> Way? {
        guard let role = sides.subject.role else { return nil }
        let events = sorted.filter { $0.at < watchedUntil }
        var from = start
        while true {
            guard var way = way(role, events, sides, from: from), way.owed < over else {
                return nil
            }
            way.slack = max(.zero, way.owed - start)
            // What it had begun, and what a partial fault let through, it still gave; and what the agent knew already it needed
            // from nobody.
            let answered = events.first {
                ($0.what == .answerHeard || $0.what == .answerEnded) && $0.at >= way.owed
            }?.at
            let gone = role == .textToSpeech ? wentOn(events, from: way.owed) : nil
            // What a faulty link was given may not have come out of it: the caller's ear decides.
            if sides.subject.isOnLink { way.primary = nil }
            guard let paid = [way.primary, answered, gone].compactMap({ $0 }).min(), paid < over,
                paid < way.succeeded ?? .distantFuture
            else { return way }
            from = max(paid, from) + .nanoseconds(1)
        }
    }

    /// A reply whose beginning had been heard is owed until the caller speaks again: he has taken it for whole.
    private func wentOn(_ events: [Event], from owed: Instant) -> Instant? {
        guard let ended = events.last(where: { $0.what == .ended && $0.at <= owed })?.at,
            events.contains(where: { $0.what == .answerHeard && $0.at >= ended && $0.at <= owed })
        else { return nil }
        return events.first { $0.what == .began && $0.at > owed }?.at
    }

    private func way(
        _ role: ProviderRole, _ events: [Event], _ sides: FaultSides, from start: Instant
    ) -> Way? {
        func isElsewhere(_ event: Event) -> Bool {
            guard let provider = event.provider else { return false }
            return sides.isAlternate(provider)
                || sides.subject.isPartial && sides.isPrimary(provider) && event.at > start
        }
        let asked = events.first { $0.what == .asked && $0.at >= start && isElsewhere($0) }?.at
        let succeeded = events.first {
            $0.what == .succeeded && $0.at >= start && isElsewhere($0)
        }?.at
        guard
            let owed = owed(role, events, sides, from: start, asked: asked, succeeded: succeeded)
        else { return nil }
        let primary = events.first { event in
            event.what == .succeeded && event.at >= owed
                && event.provider.map(sides.isPrimary) ?? false && !isElsewhere(event)
        }?.at
        return Way(
            owed: owed, slack: .zero, asked: asked.map { max($0, owed) },
            succeeded: succeeded, primary: primary)
    }

    /// When something was owed for the first time from `start` on.
    private func owed(
        _ role: ProviderRole, _ events: [Event], _ sides: FaultSides, from start: Instant,
        asked: Instant?, succeeded: Instant?
    ) -> Instant? {
        switch role {
        case .speechToText:
            // An utterance that was over and not yet transcribed is owed at once.
            if let ended = events.last(where: { $0.what == .ended && $0.at <= start }),
                !events.contains(where: {
                    ($0.what == .succeeded || $0.what == .answerHeard) && $0.at >= ended.at
                        && $0.at <= start
                })
            {
                return start
            }
            let ended = events.first { $0.what == .ended && $0.at > start }?.at
            // Who stands in and gives words while the caller speaks is measured from the utterance's beginning.
            if let succeeded, succeeded < ended ?? .distantFuture {
                let began = events.last { $0.what == .began && $0.at <= succeeded }?.at
                return max(start, began ?? start)
            }
            return ended
        case .languageModel:
            if start == firstEffect { return start }
            let text = events.first { $0.what == .text && $0.at >= start }?.at
            let ended = events.first { $0.what == .ended && $0.at >= start }?.at
            // Asked ahead of the caller's end: that is when an answer was wanted.
            guard let wanted = text ?? ended ?? asked else { return nil }
            return asked.map { min($0, wanted) } ?? wanted
        case .textToSpeech:
            if start == firstEffect,
                let asked = events.last(where: {
                    $0.what == .asked && $0.at <= start
                        && $0.provider.map(sides.isPrimary) ?? false
                }),
                !events.contains(where: {
                    $0.what == .over && $0.at >= asked.at && $0.at <= start
                        && $0.provider == asked.provider
                })
            {
                return start
            }
            return events.first { $0.what == .text && $0.at >= start }?.at ?? asked
        case .sessionStore, .objectStore, .webhook: return nil
        }
    }

    /// The first thing the agent said that was no answer, while one was owed.
    func fallbackUtterance(after start: Instant) -> Instant? {
        let events = sorted
        guard let owed = events.first(where: { $0.what == .ended && $0.at >= start })?.at else {
            return nil
        }
        return events.first { event in
            event.what == .agentSpoke && event.at >= owed
                && !events.contains {
                    $0.what == .answerHeard && $0.at >= event.at - .milliseconds(50)
                        && $0.at < event.at + .milliseconds(500)
                }
        }?.at
    }

    /// Whether an alternate served this call after `start`.
    func left(_ sides: FaultSides, from start: Instant) -> Bool {
        events.contains {
            $0.what == .succeeded && $0.at >= start && $0.provider.map(sides.isAlternate) ?? false
        }
    }

    /// The first success of the primary from `cleared` on that was no probe beside an alternate's work.
    func returned(_ sides: FaultSides, from cleared: Instant) -> Instant? {
        let events = sorted
        return events.first { event in
            event.what == .succeeded && event.at >= cleared
                && event.provider.map(sides.isPrimary) ?? false
                && !events.contains {
                    ($0.what == .succeeded || $0.what == .asked) && $0.utterance == event.utterance
                        && $0.provider.map(sides.isAlternate) ?? false
                }
        }?.at
    }
}
