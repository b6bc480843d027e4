import UproarCore
import UproarRuntime

/// The providers of one role in the order of preference, each with its breaker; shared by all calls of a loop.
///
/// Calls ask whom to use and say how it went. A provider whose last word was a failure is probed in the background until it
/// answers again; only then do calls go back to it.
final class ProviderChain<Port>: TimerHandler {
    struct Member {
        /// The word in metrics and logs: `deepgram`, `gpt-4o-mini`.
        var name: String
        var port: Port

        init(_ name: String, _ port: Port) {
            self.name = name
            self.port = port
        }
    }

    let role: ProviderRole
    let members: [Member]
    private(set) var breakers: [CircuitBreaker]
    private(set) var budget: RetryBudget
    /// Requests that wait until somebody may be asked.
    var line = WaitingLine()
    /// Off: those who wait ask when they like, and a new question goes before them.
    let keepsLine: Bool
    private let metrics: AgentMetrics
    private let loop: EventLoop
    /// Off: the first member is always asked, whatever it does.
    private let isOn: Bool
    private let failsBack: Bool
    private var timer = TimerID.none
    /// Members that are being probed.
    private var probing: [Int] = []
    /// Members whose last word was that no repetition helps.
    private var refusing: Set<Int> = []
    /// A request has waited for anybody to answer, and nobody did.
    private var isGivenUp = false
    /// Makes a probe of a member and reports to `probed`. Nil: probes ride on calls, which ask `takesProbe`.
    var probe: ((Int) -> Void)?

    init(
        _ role: ProviderRole, _ members: [Member], policy: CircuitBreaker.Policy,
        budget: RetryBudget = RetryBudget(), keepsLine: Bool = true, isOn: Bool, failsBack: Bool,
        metrics: AgentMetrics, loop: EventLoop
    ) {
        precondition(!members.isEmpty, "a chain without providers")
        self.role = role
        self.members = members
        self.budget = budget
        self.keepsLine = keepsLine
        self.isOn = isOn
        self.failsBack = failsBack
        self.metrics = metrics
        self.loop = loop
        breakers = members.map { _ in CircuitBreaker(policy) }
        for member in members { metrics.knowProvider(member.name, role) }
    }

    subscript(place: Int) -> Port { members[place].port }
    func name(_ place: Int) -> String { members[place].name }

    /// Whom to ask, leaving out whom this request has tried; nil when nobody is left.
    func choose(excluding tried: [Int] = []) -> Int? {
        guard isOn else { return tried.isEmpty ? 0 : nil }
        return FailoverOrder.first(breakers, at: loop.now, excluding: tried)
    }

    /// Whom to ask when nobody may be asked, or all have been tried: paid for from the budget, so that no storm comes of it.
    func lastResort() -> Int? {
        guard budget.takeRetry() else { return nil }
        guard isOn else { return 0 }
        return choose()
            ?? breakers.indices.min {
                breakers[$0].probeDue ?? .distantFuture < breakers[$1].probeDue ?? .distantFuture
            }
    }

    /// When it is worth asking again for somebody to ask; nil while only a probe can tell.
    var restOver: Instant? { breakers.compactMap(\.restOver).min() }

    /// A request that is no retry: earns a share of one.
    func requested() { budget.requested() }

    /// Whether `place` is worth leaving for a member before it: one that has been proven to work since it failed.
    func isBetter(than place: Int) -> Int? {
        guard let best = choose(), best < place, !breakers[best].isSuspect else { return nil }
        return best
    }

    /// Nobody may be asked: whether that may change soon enough to begin to wait for it. Who asked for patience gets it.
    var isWorthWaiting: Bool {
        isOn && refusing.count < members.count && (!isGivenUp || restOver != nil)
    }

    /// A request has waited in vain: the next ones need not.
    func gaveUp() { isGivenUp = true }

    // MARK: What happened

    /// - begunAt: when the request or stream was begun that has now done its work.
    func succeeded(_ place: Int, begunAt: Instant) {
        isGivenUp = false
        refusing.remove(place)
        guard breakers[place].isSuspect else { return }
        breakers[place].succeeded(begunAt: begunAt, at: loop.now)
        changed(place)
    }

    func failed(_ place: Int, _ failure: ProviderFailure) {
        let now = loop.now
        metrics.failed(role, name(place), failure)
        guard isOn else { return }
        if failure.isFinal { refusing.insert(place) }
        if let rest = failure.rest {
            breakers[place].rest(rest, at: now)
        } else if breakers[place].failed(at: now, isFinal: failure.isFinal) {
            metrics.breakerTripped(name(place), role)
        }
        changed(place)
    }

    func failedOver(from: Int, to: Int) {
        metrics.failedOver(role, from: name(from), to: name(to))
    }

    func failedBack(from: Int, to: Int) {
        metrics.failedBack(role, from: name(from), to: name(to))
    }

    // MARK: Probes

    /// The member that wants a probe now, if any; the one who asks makes it, and reports.
    func takesProbe() -> Int? {
        guard isOn, failsBack else { return nil }
        let now = loop.now
        guard
            let place = breakers.indices.first(where: {
                !probing.contains($0) && due($0).map { $0 <= now } ?? false
            })
        else { return nil }
        breakers[place].allowProbe(at: now)
        probing.append(place)
        return place
    }

    /// How a probe went.
    func probed(_ place: Int, _ failure: ProviderFailure?) {
        probing.removeAll { $0 == place }
        metrics.probed(name(place), role, succeeded: failure == nil)
        if let failure {
            failed(place, failure)
        } else {
            isGivenUp = false
            refusing.remove(place)
            breakers[place].succeeded(begunAt: loop.now, at: loop.now)
            changed(place)
        }
    }

    /// A probe that could not be finished says nothing.
    func abandonedProbe(_ place: Int) {
        probing.removeAll { $0 == place }
        awaitProbe()
    }

    /// Where nobody else may be asked, a probe does not wait for the breaker to be half-open.
    private func due(_ place: Int) -> Instant? {
        guard let due = breakers[place].probeDue else { return nil }
        guard choose() == nil else { return due }
        return min(due, breakers[place].earlyProbeDue)
    }

    private func changed(_ place: Int) {
        metrics.breaker(name(place), role, breakers[place].state(at: loop.now))
        awaitProbe()
    }

    private func awaitProbe() {
        guard failsBack, probe != nil else { return }
        loop.cancel(timer)
        let next = breakers.indices.filter { !probing.contains($0) }.compactMap(due).min()
        if let next { timer = loop.schedule(self, at: max(next, loop.now)) }
    }

    func timerFired(token: UInt64, now: Instant) {
        while let place = takesProbe() {
            metrics.breaker(name(place), role, breakers[place].state(at: now))
            probe?(place)
        }
        awaitProbe()
    }
}

extension ProviderFailure {
    /// Whether no repetition can mend it: the key, the credit, the account.
    var isFinal: Bool {
        switch self {
        case .refused(401, _, _), .refused(402, _, _), .refused(403, _, _): true
        case .refused(429, let body, _): body.contains("insufficient_quota")
        // AssemblyAI accepts the upgrade and closes for a bad key.
        case .closed(1008, let reason): reason.lowercased().contains("authorized")
        default: false
        }
    }

    /// Whether the provider refused our key.
    var isAboutTheKey: Bool {
        switch self {
        case .refused(401, _, _), .refused(403, _, _): true
        case .closed(1008, _): isFinal
        default: false
        }
    }

    /// How long the provider asked not to be asked.
    var rest: Duration? {
        if case .refused(let status, _, let wait) = self, status == 429 || status == 503 {
            return wait
        }
        return nil
    }
}
