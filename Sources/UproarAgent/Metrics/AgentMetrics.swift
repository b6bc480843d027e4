import UproarCore
import UproarRuntime
import UproarWire

/// What the agent counts about itself, with the names, labels and buckets that its dashboards and alerts expect.
package final class AgentMetrics {
    enum Outcome: String, CaseIterable {
        case completed, dropped, error
    }

    enum Series: Hashable {
        case value(Double)
        case histogram(BucketHistogram)
    }

    /// One table for each metric: label values → series, in the order of their first use.
    private(set) var tables: [OrderedTable<[String], Series>]
    private var active = 0

    package init(worker: String = "agent-1", version: String = "1") {
        tables = AgentMetric.allCases.map { _ in OrderedTable() }
        for metric in AgentMetric.allCases where metric.family.labels.isEmpty {
            switch metric.family.kind {
            case .histogram:
                tables[metric.rawValue][[]] = .histogram(BucketHistogram(metric.family.buckets))
            default: tables[metric.rawValue][[]] = .value(0)
            }
        }
        set(.info, [worker, version], to: 1)
        set(.storeDurable, to: 1)
        for channel in ["phone", "browser", "screen_share"] {
            touch(.voiceLatency, [channel])
            touch(.costPerCall, [channel])
            // Alerts look at the increase: a series that comes with its first count has had none.
            for method in ["text", "sms", "page"] { touch(.degraded, [channel, method]) }
            for outcome in Outcome.allCases {
                touch(.sessionDuration, [channel, outcome.rawValue])
            }
        }
    }

    // MARK: Verbs

    /// `labels` in the order of the metric's own.
    func count(_ metric: AgentMetric, _ labels: [String] = [], by amount: Double = 1) {
        if case .value(let value)? = tables[metric.rawValue][labels] {
            tables[metric.rawValue][labels] = .value(value + amount)
        } else {
            tables[metric.rawValue][labels] = .value(amount)
        }
    }

    func set(_ metric: AgentMetric, _ labels: [String] = [], to value: Double) {
        tables[metric.rawValue][labels] = .value(value)
    }

    func observe(_ metric: AgentMetric, _ labels: [String] = [], _ value: Double) {
        touch(metric, labels)
        guard case .histogram(var histogram)? = tables[metric.rawValue][labels] else { return }
        // Taken out, so that it is not copied.
        tables[metric.rawValue][labels] = .value(0)
        histogram.observe(value)
        tables[metric.rawValue][labels] = .histogram(histogram)
    }

    func value(_ metric: AgentMetric, _ labels: [String] = []) -> Double {
        if case .value(let value)? = tables[metric.rawValue][labels] { return value }
        return 0
    }

    /// Makes the series be there, so that a first increase is seen as one.
    func touch(_ metric: AgentMetric, _ labels: [String]) {
        guard tables[metric.rawValue][labels] == nil else { return }
        tables[metric.rawValue][labels] =
            metric.family.kind == .histogram
            ? .histogram(BucketHistogram(metric.family.buckets)) : .value(0)
    }

    // MARK: Calls

    func sessionBegan() {
        active += 1
        set(.activeSessions, to: Double(active))
        count(.sessions)
    }

    func sessionEnded(_ outcome: Outcome, channel: String, after time: Duration) {
        active -= 1
        set(.activeSessions, to: Double(active))
        observe(.sessionDuration, [channel, outcome.rawValue], time.inSeconds)
        observe(.jobDuration, [], time.inSeconds)
        count(.jobs, [outcome == .error ? "failed" : "completed"])
    }

    func sessionRefused(_ reason: String) { count(.refused, [reason]) }
    func storeFailed(_ failure: StoreFailure) { count(.errors, [failure.kind, "store"]) }
    func messageUnknown() { count(.errors, ["unknown_message", "media"]) }

    /// Every tool that ran, for whomever it ran.
    func toolCalled(server: String, _ tool: String, _ status: String, after time: Duration) {
        count(.mcpCalls, [server, tool, status])
        observe(.mcpDuration, [server, tool], time.inSeconds)
    }

    func answeredRequest(_ method: String, _ endpoint: String, status: Int, after time: Duration) {
        count(.httpRequests, [method, endpoint, String(status)])
        observe(.httpDuration, [method, endpoint], time.inSeconds)
    }

    // MARK: Providers

    func knowProvider(_ name: String, _ role: ProviderRole) {
        switch role {
        case .speechToText: touch(.sttDuration, [name])
        case .languageModel: touch(.llmDuration, [name])
        case .textToSpeech: touch(.ttsDuration, [name])
        case .sessionStore, .objectStore, .webhook: break
        }
        set(.breakerState, [role.rawValue, name], to: 0)
        touch(.breakerTrips, [role.rawValue, name])
        touch(.authFailures, [role.rawValue, name])
    }

    func failed(_ role: ProviderRole, _ name: String, _ failure: ProviderFailure) {
        count(.errors, [failure.kind, role.rawValue])
        if role == .speechToText { count(.transcriptionErrors, [name, failure.kind]) }
        if failure.isAboutTheKey { count(.authFailures, [role.rawValue, name]) }
    }

    func failedOver(_ role: ProviderRole, from: String, to: String) {
        switch role {
        case .speechToText: count(.sttFailover, [from, to])
        case .languageModel: count(.llmFailover, [from, to])
        case .textToSpeech: count(.ttsFailover, [from, to])
        case .sessionStore, .objectStore, .webhook: break
        }
    }

    func failedBack(_ role: ProviderRole, from: String, to: String) {
        count(.failback, [role.rawValue, from, to])
    }

    func breakerTripped(_ name: String, _ role: ProviderRole) {
        count(.breakerTrips, [role.rawValue, name])
    }

    func breaker(_ name: String, _ role: ProviderRole, _ state: CircuitBreaker.State) {
        let value: Double =
            switch state {
            case .closed: 0
            case .halfOpen: 1
            case .open: 2
            }
        set(.breakerState, [role.rawValue, name], to: value)
    }

    func probed(_ name: String, _ role: ProviderRole, succeeded: Bool) {
        count(.probes, [role.rawValue, name, succeeded ? "succeeded" : "failed"])
    }
}

extension StoreFailure {
    /// A word for a label: who is down refuses (`unreachable`), who hangs says nothing (`timeout`), who may not says why (`readonly`).
    var kind: String {
        switch self {
        case .unreachable: "unreachable"
        case .timedOut: "timeout"
        case .malformed: "malformed"
        case .refused(let words):
            words.split(separator: " ").first.map { $0.lowercased() }.flatMap {
                Self.refusals.contains($0) ? $0 : nil
            } ?? "refused"
        }
    }

    /// First words of Redis' errors that say what is the matter with the server (redis.io, "Error replies"); all others are one kind, so
    /// that no server can fill the metrics.
    private static let refusals: Set<String> = [
        "readonly", "loading", "masterdown", "oom", "moved", "noauth", "busy", "noreplicas",
        "misconf",
    ]
}

extension ProviderFailure {
    /// A word for a label.
    var kind: String {
        switch self {
        case .unreachable: "unreachable"
        case .refused(let status, _, _): "http_\(status)"
        case .closed: "closed"
        case .timedOut(let what): "timeout_" + what.map { $0 == " " ? "_" : String($0) }.joined()
        case .cut: "cut"
        case .malformed: "malformed"
        case .reported: "reported"
        case .empty: "empty"
        }
    }
}
