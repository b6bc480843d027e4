import UproarCore
import UproarStatistics

/// What a search for capacity leaves: `capacity.json`. Every report renders from this value alone.
package struct CapacityResult: Hashable, Sendable {
    package static let schema = "uproar.capacity/1"

    package enum Verdict: String, Sendable {
        /// Both edges are known.
        case found
        /// The greatest load that was tried still held.
        case limit
        /// The harness gave out first: the agent can do at least this.
        case harness
        case nothingHolds = "nothing_holds"
        /// The budget or the number of runs was spent first: the edges are wider apart than asked for.
        case budget
        case interrupted
        case unreachable
    }

    /// A load predicted by the fit of all others, then measured.
    package struct Check: Hashable, Sendable {
        package var load: Int
        package var figure: String
        package var predicted: Double
        package var interval: ConfidenceInterval
        package var measured: Double

        package init(
            load: Int, figure: String, predicted: Double, interval: ConfidenceInterval,
            measured: Double
        ) {
            self.load = load
            self.figure = figure
            self.predicted = predicted
            self.interval = interval
            self.measured = measured
        }

        package var error: Double { (measured - predicted) / measured }
        package var isInside: Bool {
            measured >= interval.low ?? -.infinity && measured <= interval.high ?? .infinity
        }
    }

    package struct Ramp: Hashable, Sendable {
        /// Callers added a second.
        package var perSecond: Double
        package var load: Int
        package var held: Bool

        package init(perSecond: Double, load: Int, held: Bool) {
            self.perSecond = perSecond
            self.load = load
            self.held = held
        }
    }

    package var isPartial = true
    package var scenario: String
    package var scenarioHash: String
    package var target: String
    package var world: RunResult.World
    package var seed: UInt64
    package var commit: String
    package var version: String
    package var command: String
    package var priceBook = ""
    /// Emulated or real, with their speeds: capacity is that of the agent with these.
    package var providers: [String] = []
    package var verdict = Verdict.interrupted
    package var verdictText = ""
    /// The greatest load at which every gate held, each time more often than not.
    package var calls: Int?
    /// The least load above it that broke.
    package var brokeAt: Int?
    /// Of the edge between the two.
    package var interval: ConfidenceInterval?
    package var gates: [String] = []
    package var limits = Bottleneck.Limits()
    package var probes: [CapacityProbe] = []
    package var checks: [Check] = []
    package var ramps: [Ramp] = []
    package var bottleneck: Bottleneck?
    /// Seconds the search took.
    package var spent = 0.0
    package var budget: Double?

    package init(
        scenario: String, scenarioHash: String, target: String, world: RunResult.World,
        seed: UInt64, commit: String, version: String, command: String
    ) {
        self.scenario = scenario
        self.scenarioHash = scenarioHash
        self.target = target
        self.world = world
        self.seed = seed
        self.commit = commit
        self.version = version
        self.command = command
    }

    /// Fitted anew from the probes: a stored result gives the same.
    package var model: CapacityModel { CapacityModel(probes, seed: seed) }

    /// The measurement nearest to what is sustained: what sizing rests on.
    package var edgeProbe: CapacityProbe? {
        guard let calls else { return nil }
        return probes.filter { $0.isMeasurement && $0.load <= calls }.max { $0.load < $1.load }
    }

    /// Calls by core of the agent's process tree at the greatest load that held.
    package var callsPerCore: Double? {
        let figures = probes.filter { $0.isMeasurement && $0.load == calls }.compactMap {
            probe -> Double? in
            guard let cores = probe.agentCores, cores > 0, let calls = probe.callsUnderWay
            else { return nil }
            return calls / cores
        }
        return figures.isEmpty ? nil : figures.reduce(0, +) / Double(figures.count)
    }

    package var coldStarts: [Double] { probes.compactMap(\.coldStart).sorted() }

    /// The fastest ramp that was absorbed, and the slowest that was not.
    package var largestRamp: Ramp? {
        ramps.filter(\.held).max { $0.perSecond < $1.perSecond }
    }

    package var bitsPerCall: Double? { edgeProbe?.bitsPerCall }
    package var coolDown: Double? { probes.last { $0.coolDown != nil }?.coolDown }
}
