import UproarCore
import UproarStatistics

/// One run at one load, reduced to what capacity is concluded from. What was not observed is nil.
package struct CapacityProbe: Hashable, Sendable {
    package enum Purpose: String, Sendable {
        case growing, bisecting, replicating
        /// A load chosen to check the fit, predicted before it was measured.
        case checking
        /// The same load reached faster each time.
        case ramping
        /// The load taken away, and the agent watched as it comes to rest.
        case cooling
    }

    package enum Outcome: String, Sendable { case held, broke, harness }

    package struct Stage: Hashable, Sendable {
        package var name: String
        /// `agent`, `provider` or `network`.
        package var owner: String
        /// Seconds.
        package var mean: Double
        package var p95: Double

        package init(name: String, owner: String, mean: Double, p95: Double) {
            self.name = name
            self.owner = owner
            self.mean = mean
            self.p95 = p95
        }
    }

    package struct Use: Hashable, Sendable {
        package var provider: ProviderID
        package var usage: ProviderUsage
        package var dollars: Double?

        package init(provider: ProviderID, usage: ProviderUsage, dollars: Double?) {
            self.provider = provider
            self.usage = usage
            self.dollars = dollars
        }
    }

    package var load: Int
    package var purpose: Purpose
    package var outcome: Outcome
    /// One sentence: the first gate that failed, the over-saturation, or what ailed the harness.
    package var reason: String
    package var seed: UInt64
    /// The run's folder below the search's own.
    package var folder: String
    /// Callers from none to `load`, in seconds; then held for so long.
    package var ramp: Double
    package var hold: Double
    package var validity: ValidityState
    package var validityReasons: [String] = []
    /// It was ended early because the agent fell ever further behind.
    package var isOversaturated = false

    package var turns: UInt64 = 0
    package var turnsLost: UInt64 = 0
    package var callsRefused: UInt64 = 0
    package var callsDropped: UInt64 = 0
    package var callsNotStarted: UInt64 = 0
    /// Statuses of refusals, most frequent first.
    package var refusals: [String] = []
    /// What emulated providers refused, by provider and status, in words.
    package var providerRefusals: [String] = []
    /// Connected seconds of all calls.
    package var connected = 0.0
    /// Heard latency in the steady state, in seconds.
    package var p50: Double?
    package var p95: Double?
    package var p99: Double?
    package var p95Interval: ConfidenceInterval?
    package var stages: [Stage] = []

    /// Means over the steady state, of the agent's process tree only.
    package var callsUnderWay: Double?
    package var agentCores: Double?
    package var agentCoresPeak: Double?
    /// Share of the agent's quota periods in which it had used up its quota; nil where it has none.
    package var agentThrottled: Double?
    /// Resident bytes, and what they were before the first call.
    package var agentMemory: Double?
    package var agentMemoryIdle: Double?
    package var agentMemoryPeak: Double?
    /// Media bits per second of a connected call, both ways.
    package var bitsPerCall: Double?
    package var harnessCores: Double?
    /// From the start of the agent's process until it took calls, in seconds.
    package var coldStart: Double?
    /// Seconds from the load's end until the agent used no more than at rest.
    package var coolDown: Double?
    package var uses: [Use] = []

    package init(
        load: Int, purpose: Purpose, outcome: Outcome, reason: String, seed: UInt64,
        folder: String, ramp: Double, hold: Double, validity: ValidityState
    ) {
        self.load = load
        self.purpose = purpose
        self.outcome = outcome
        self.reason = reason
        self.seed = seed
        self.folder = folder
        self.ramp = ramp
        self.hold = hold
        self.validity = validity
    }

    /// It says what the load does to the agent: steady, judged by a harness that was fit, whatever the gates say of it.
    package var isMeasurement: Bool {
        guard outcome != .harness, !isOversaturated else { return false }
        switch purpose {
        case .growing, .bisecting, .replicating, .checking: return true
        case .ramping, .cooling: return false
        }
    }

    package var turnsPerSecond: Double? { hold > 0 ? Double(turns) / (hold + ramp) : nil }
}
