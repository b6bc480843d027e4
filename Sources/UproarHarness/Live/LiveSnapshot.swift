import UproarCore

/// What the live view shows, once a second.
package struct LiveSnapshot: Sendable {
    package struct Latency: Sendable {
        package var count = 0
        package var p50: Duration?
        package var p95: Duration?
        package var p99: Duration?
        package init() {}
    }

    package struct Gate: Sendable {
        package var text: String
        package var state: State
        package var observed: String

        package enum State: String, Sendable {
            case ok
            case atRisk = "at risk"
            case failing
            case waiting
        }

        package init(text: String, state: State, observed: String) {
            self.text = text
            self.state = state
            self.observed = observed
        }
    }

    package var scenario = ""
    package var phase = ""
    package var elapsed = Duration.zero
    /// Nil when the end is not known (a conversation's own length decides).
    package var planned: Duration?
    package var inCall = 0
    package var offered = 0
    package var started = 0
    package var answered = 0
    package var ended = 0
    package var failedCalls = 0
    package var turns = 0
    package var turnsLost = 0
    package var interval = Latency()
    package var total = Latency()
    package var gates: [Gate] = []
    package var processorShare: Double?
    package var latenessP99: Duration?
    package var framesSkipped: Int64 = 0
    package var validity = ValidityState.valid
    /// Per cent of the planned rate of arrivals, once somebody has turned it.
    package var rate: Int?
    /// Faults of the timeline, in order: what is armed, what is to come, what is over.
    package var faults: [(id: String, state: String)] = []
    package var hasKeys = false

    package init() {}
}
