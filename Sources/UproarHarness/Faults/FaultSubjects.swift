import UproarAgent
import UproarCore
import UproarFaults
import UproarScenario
import UproarStatistics

/// What a fault of the timeline acts on, and whom it can meet, for its history.
enum FaultSubjects {
    static func history(
        _ number: UInt32, _ id: String, _ event: TimelineEvent, scope: FaultScope, _ plan: RunPlan
    ) -> FaultHistory {
        guard case .inject(let fault, let attributes) = event.action else {
            preconditionFailure("only injects have a history")
        }
        var subject = subject(number, id, event, fault, attributes)
        if let declared = plan.scenario.breakers.first(where: { $0.role == subject.role }) {
            subject.policy = .init(
                failures: declared.failures,
                deadline: silent.contains(fault) ? declared.deadline : nil,
                attempts: declared.attempts, movesOnAtOnce: declared.movesOn)
        } else if case .embedded = plan.scenario.target {
            subject.policy = policy(
                EmbeddedConfigurations.settings(plan), fault: fault, role: subject.role)
        }
        guard scope.cohort != nil else {
            return FaultHistory(subject, prices: plan.scenario.prices)
        }
        // Only the cohort can be told beforehand: what else a scope names belongs to single requests.
        var cohort = FaultScope()
        cohort.cohort = scope.cohort
        let aim = FaultAim(
            FaultPlan(
                id: id, number: number, fault: fault, attributes: FaultAttributes([]),
                scope: cohort, window: .init(from: .zero, until: .distantFuture), seed: plan.seed))
        return FaultHistory(subject, prices: plan.scenario.prices) { call in
            aim.covers(FaultPassage(names: [], key: UInt64(call), call: call))
        }
    }

    private static func subject(
        _ number: UInt32, _ id: String, _ event: TimelineEvent, _ fault: String,
        _ attributes: [TimelineEvent.Attribute]
    ) -> FaultHistory.Subject {
        let descriptor = FaultDescriptor.named(
            fault, on: event.scope.on, among: FaultCatalog.all)
        let isOnLink = FaultCatalog.place(of: fault, on: event.scope.on) == .link
        let providers = ProviderID.allCases.filter { provider in
            event.scope.on.contains(provider.name)
                || event.scope.on.contains(provider.role.rawValue)
                || event.scope.on.contains(LinkArrow(from: "agent", to: provider.name).description)
        }
        let settings = attributes.map { " \($0.name)=\($0.text)" }.joined()
        var subject = FaultHistory.Subject(
            id: id, number: number, kind: fault,
            target: event.scope.on.isEmpty ? "everywhere" : event.scope.on.joined(separator: ", "),
            summary: fault + settings + (event.life.map { " \($0.text)" } ?? ""),
            providers: providers, recovery: descriptor?.recovery ?? .seconds(10))
        subject.isOnLink = isOnLink
        // A direction or a command is a part of what passes, not another way.
        subject.isPartial = !event.scope.conditions.isEmpty && !isOnLink
        subject.isCertain =
            event.scope.conditions.isEmpty && event.scope.chance == .always
            && event.scope.maxActive == nil
        return subject
    }

    /// Faults that a client notices by waiting alone.
    private static let silent: Set<String> = [
        "connect_hang", "headers_then_hang", "ttfb_delay", "pace", "stall_at", "half_open",
        "keepalive_only", "stall", "partition", "delay", "bandwidth", "slicer", "hang", "slow",
        "pause",
    ]

    /// What the reference agent says of itself in its settings.
    private static func policy(
        _ settings: UproarAgent.AgentSettings, fault: String, role: ProviderRole?
    )
        -> DetectionFloor.Policy?
    {
        let deadline: Duration? =
            switch role {
            case .speechToText: settings.finalDeadline
            case .languageModel: settings.firstTokenDeadline
            case .textToSpeech: settings.voiceDeadline
            case .sessionStore: settings.storeWait
            case .objectStore, .webhook, nil: nil
            }
        guard let deadline else { return nil }
        if role == .sessionStore {
            // No breaker: each command gives up by itself, and memory stands in.
            return .init(
                failures: 1, deadline: silent.contains(fault) ? deadline : nil,
                movesOnAtOnce: settings.sessionMemory)
        }
        return .init(
            failures: settings.breakerFailures, deadline: silent.contains(fault) ? deadline : nil,
            movesOnAtOnce: settings.failover)
    }
}
