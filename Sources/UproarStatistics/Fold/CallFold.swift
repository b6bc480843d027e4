import UproarCore

/// Facts of one call in, its record out: a pure function, called once, a grace after the call's end.
package enum CallFold {
    package static func fold(
        _ facts: [Fact], of description: CallDescription, _ settings: FoldSettings
    ) -> CallRecord {
        let timeline = CallFacts(facts, origin: settings.origin)
        let origin = settings.origin
        let ended = timeline.first[.callEnded]
        var call = CallRecord(description, outcome: outcome(timeline))
        call.ending = ended.flatMap { CallEnding(rawValue: $0.value) } ?? .unknown
        call.due = timeline.instant(.callDue, origin)
        call.dialed = timeline.instant(.callDialed, origin)
        call.answered = timeline.instant(.callAnswered, origin)
        call.ended = ended.map { Instant(nanoseconds: $0.at &- origin.nanoseconds) }
        call.refusal = timeline.first[.callRefused]?.detail
        call.jitter = timeline.first[.callJitter].map { .nanoseconds($0.value) }
        // What was answered before the call dropped can be known again; who said nothing has nothing to be known.
        if let resumes = timeline.first[.callResumes], resumes.value > 0, timeline.hasModelRequest {
            call.resumed = timeline.first[.historyRecalled] != nil
            if settings.knowsResumption {
                call.isToldOfResumption = timeline.first[.resumptionHeard] != nil
            }
        }
        call.shownText = timeline.first[.textShown] != nil
        call.taskPassed = timeline.first[.taskChecked].map { $0.detail == 1 }
        call.bytesSent = timeline.first[.callSent]?.value ?? 0
        call.framesSent = timeline.first[.callSent]?.detail ?? 0
        call.bytesReceived = timeline.first[.callReceived]?.value ?? 0
        call.framesSkipped = timeline.first[.callReceived]?.detail ?? 0
        call.connected = connected(timeline, call)
        call.gaps = timeline.gaps
        call.lateRenders = timeline.lateRenders
        call.strangeFacts = timeline.strange
        call.agentSpeech = timeline.speech
        call.bargeIns = BargeInFold(timeline, limit: settings.bargeInLimit).records
        call.turns = TurnFold(timeline, description, call, settings).turns
        call.crossTalkCount = UInt32(
            timeline.answers.count { $0.reference.call != description.id })
        call.greeting = greeting(timeline, call)
        (call.usage, call.cost) = cost(timeline, settings.prices)
        return call
    }

    private static func outcome(_ timeline: CallFacts) -> CallOutcome {
        if let ended = timeline.first[.callEnded], let outcome = CallOutcome(rawValue: ended.detail)
        {
            return outcome
        }
        if timeline.first[.callRefused] != nil { return .refused }
        // No end stated: the run ended first.
        return timeline.first[.callDialed] == nil ? .notStarted : .cutByRun
    }

    private static func connected(_ timeline: CallFacts, _ call: CallRecord) -> Duration {
        if let stated = timeline.first[.callConnectedTime] { return .nanoseconds(stated.value) }
        guard let answered = call.answered, let ended = call.ended else { return .zero }
        return max(.zero, ended - answered)
    }

    /// Only what the agent says before the caller says anything is a greeting.
    private static func greeting(_ timeline: CallFacts, _ call: CallRecord) -> Duration? {
        guard let answered = call.answered, let first = timeline.speech.first,
            first.onset >= answered
        else { return nil }
        if let began = timeline.utterances.first?.began, began <= first.onset { return nil }
        return first.onset - answered
    }

    private static func cost(_ timeline: CallFacts, _ prices: PriceBook) -> ([UsageRecord], Double?)
    {
        var total: Double? = timeline.usage.isEmpty ? nil : 0
        let providers = timeline.usage.keys.sorted { $0.rawValue < $1.rawValue }
        let records = providers.map { provider in
            let usage = timeline.usage[provider] ?? .init()
            let cost = prices.cost(of: usage, provider: provider)
            total = total.flatMap { sum in cost.map { sum + $0 } }
            return UsageRecord(provider: provider, usage: usage, cost: cost)
        }
        return (records, total)
    }
}
