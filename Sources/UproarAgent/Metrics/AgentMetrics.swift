import UproarCore
import UproarRuntime

/// What the agent counts about itself, with the names, labels and buckets that its dashboards and alerts expect.
package final class AgentMetrics {
    enum Outcome: String, CaseIterable {
        case completed, dropped, error
    }

    var speechToTextName = "none"
    var textToSpeechName = "none"
    var modelName = "none"

    /// The caller's complete utterance to the first audio of the reply, without endpointing and network.
    private(set) var latency = BucketHistogram([
        0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.5, 2,
    ])
    /// End of speech to final result.
    private(set) var speechToText = BucketHistogram([0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1])
    /// Request to first token.
    private(set) var model = BucketHistogram([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 2])
    /// First text to first audio.
    private(set) var textToSpeech = BucketHistogram([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5])
    private(set) var sessions: [BucketHistogram] = Outcome.allCases.map { _ in
        BucketHistogram([30, 60, 120, 300, 600, 1200, 1800])
    }
    private(set) var activeSessions = 0
    private(set) var startedSessions = 0
    private(set) var refusedSessions = 0
    /// Failures by role and kind, in the order of their first occurrence.
    private(set) var failures = OrderedTable<FailureKey, Int>()
    private(set) var storeFailures = 0
    private(set) var unknownMessages = 0

    struct FailureKey: Hashable {
        var role: ProviderRole
        var kind: String
    }

    package init() {}

    func answered(after time: Duration) { latency.observe(time.inSeconds) }
    func recognised(after time: Duration) { speechToText.observe(time.inSeconds) }
    func modelAnswered(after time: Duration) { model.observe(time.inSeconds) }
    func voiceAnswered(after time: Duration) { textToSpeech.observe(time.inSeconds) }

    func sessionBegan() {
        activeSessions += 1
        startedSessions += 1
    }

    func sessionEnded(_ outcome: Outcome, after time: Duration) {
        activeSessions -= 1
        sessions[Outcome.allCases.firstIndex(of: outcome) ?? 0].observe(time.inSeconds)
    }

    func sessionRefused() { refusedSessions += 1 }
    func storeFailed() { storeFailures += 1 }
    func messageUnknown() { unknownMessages += 1 }

    func failed(_ role: ProviderRole, _ failure: ProviderFailure) {
        let key = FailureKey(role: role, kind: failure.kind)
        failures[key] = (failures[key] ?? 0) + 1
    }
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
