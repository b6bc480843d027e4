import UproarCapacity
import UproarCore
import UproarScenario
import UproarStatistics

/// What a search for capacity is asked to do.
package struct CapacityPlan: Sendable {
    package var loaded: LoadedScenario
    package var search = CapacitySearch.Settings()
    /// No run begins that is not likely to end within this.
    package var budget = Duration.seconds(20 * 60)
    /// How long a load is held; longer where too few turns would come of it.
    package var hold = Duration.seconds(30)
    package var isSimulated = false
    /// Ramps and the cool-down are left out.
    package var isBrief = false
    package var options: RunOptions
    package var out: String
    package var version: String

    package init(loaded: LoadedScenario, options: RunOptions, out: String, version: String) {
        self.loaded = loaded
        self.options = options
        self.out = out
        self.version = version
    }

    /// Callers come this fast, unless the ramp itself is what is measured.
    package var rampPerSecond = 10.0
    static let shortestRamp = 3.0
    /// A quantile is not judged from fewer turns: one caller takes no more in half a minute, and the edge is run again anyway.
    static let leastTurns = 5
    /// So many are wanted where no gate asks for more.
    static let usualTurns = 60.0
    /// Turns a caller takes in a second, until one has been seen.
    static let turnRate = 0.12

    /// `--ramp 20/s`.
    package mutating func ramp(_ text: String) throws(TextProblem) {
        let rate = try Rate.parse(text)
        guard rate.perSecond > 0 else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is not above zero", allowed: Rate.allowed)
        }
        rampPerSecond = rate.perSecond
    }

    /// Seconds in which `load` callers come.
    func ramp(_ load: Int) -> Double { max(Self.shortestRamp, Double(load) / rampPerSecond) }

    /// Seconds for which `load` is held: enough for the quantiles of the gates, within reason.
    func hold(_ load: Int, turnRate: Double) -> Double {
        let wanted =
            gates.compactMap { rule -> Double? in
                guard case .quantile(let q) = rule.aggregate else { return nil }
                return Double(Confidence.minimumCount(quantile: q))
            }.max() ?? Self.usualTurns
        let needed = wanted / (Double(load) * max(0.01, turnRate))
        let least = hold.inSeconds
        return min(max(least, needed), isSimulated ? least * 20 : least * 2)
    }

    /// The rules that can be judged at any load: of the whole run or its steady state, with a limit of their own. A few samples
    /// decide: loads are run again at the edge.
    var gates: [GateRule] {
        loaded.scenario.gates.compactMap { rule in
            var rule = rule
            switch rule.window {
            case .stage: rule.window = .steady
            case .fault, .last: return nil
            case .all, .steady, .warmup: break
            }
            if case .baseline = rule.bound { return nil }
            let isQuantile = if case .quantile = rule.aggregate { true } else { false }
            if isQuantile, rule.minimumCount == nil { rule.minimumCount = Self.leastTurns }
            return rule
        }
    }

    /// Rules of the scenario that a search cannot use, as written.
    var unusedGates: [String] {
        let used = gates.map(\.text)
        return loaded.scenario.gates.map(\.text).filter { !used.contains($0) }
    }

    /// The scenario at one load: its own load and timeline give way.
    func scenario(_ lines: [LoadLine], judgedOver window: GateRule.Window? = nil) -> LoadedScenario
    {
        var copy = loaded
        copy.scenario.load = lines
        // Every turn of the hold is answered or given up by then; calls that go on are nobody's loss.
        copy.scenario.drain = min(copy.scenario.drain, copy.scenario.patience + .seconds(5))
        copy.scenario.timeline = []
        copy.scenario.places.timeline = []
        copy.scenario.gates = gates.map { rule in
            var rule = rule
            if let window, rule.window == .steady { rule.window = window }
            return rule
        }
        // Places of rules that are no longer in their order would point at the wrong lines.
        copy.scenario.places.gates = []
        return copy
    }

    static func lines(_ load: Int, ramp: Double, hold: Double) -> [LoadLine] {
        [
            LoadLine(
                name: "ramp-1",
                shape: .callerRamp(.init(from: 0, to: load, over: .fromSeconds(ramp)))),
            LoadLine(
                name: "hold-1", shape: .hold(.init(callers: load, duration: .fromSeconds(hold)))),
        ]
    }
}
