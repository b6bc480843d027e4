import UproarCore
import UproarStatistics

/// Which load to try next, given how those before came out: a state machine without a clock.
///
/// ```
/// growing ──broke──► bisecting ──narrow──► replicating ──enough──► over
///    │ held: twice the load    │ middle          │ the two edges again; a vote that turns moves the edge
///    └──limit / harness──► over                  └──────► bisecting
/// ```
/// A load counts as holding when more of its runs held than broke. The two edges are run until each has `replicates` runs of
/// its own kind more than of the other, or `most` runs in all are spent.
package struct CapacitySearch: Sendable {
    package struct Settings: Hashable, Sendable {
        package var start = 1
        package var limit = 10_000
        /// Each step of the growth, as a factor.
        package var growth = 2.0
        /// The edges may be so far apart, as a share of the lower one (and always one call).
        package var tolerance = 0.05
        /// Runs that must speak for each edge.
        package var replicates = 2
        /// Runs in all, at the most.
        package var most = 40

        package init() {}
    }

    package enum Purpose: String, Sendable { case growing, bisecting, replicating }

    package enum Outcome: Hashable, Sendable {
        /// Every gate held.
        case held
        /// A gate failed, or the agent fell ever further behind.
        case broke
        /// The harness was not fit to judge a run that did not hold: nothing is known of the agent.
        case harness(String)
    }

    package enum Step: Hashable, Sendable {
        /// `ordinal` counts the runs of this load, from 0: another one is another seed.
        case probe(load: Int, Purpose, ordinal: Int)
        case over(Ending)
    }

    package enum Ending: Hashable, Sendable {
        /// Both edges are known and spoken for.
        case found
        /// The greatest load that was allowed still held.
        case limit
        /// The harness gave out before the agent did.
        case harness(String)
        /// Not even the smallest load held.
        case nothingHolds
        /// As many runs as were allowed.
        case spent
    }

    package struct Trial: Hashable, Sendable {
        package var load: Int
        package var outcome: Outcome
    }

    package let settings: Settings
    package private(set) var trials: [Trial] = []

    package init(_ settings: Settings = Settings()) {
        precondition(
            settings.start >= 1 && settings.limit >= settings.start && settings.growth > 1,
            "a search begins somewhere and grows")
        self.settings = settings
    }

    package mutating func took(_ load: Int, _ outcome: Outcome) {
        trials.append(Trial(load: load, outcome: outcome))
    }

    /// Asking twice gives the same answer.
    package var next: Step {
        if trials.count >= settings.most { return .over(.spent) }
        let votes = votes
        let lowestBroken = votes.first { $0.score < 0 }?.load
        let held = votes.last { $0.score > 0 && $0.load < lowestBroken ?? .max }?.load
        // A load whose runs contradict each other is run again before anything rests on it.
        if let tie = votes.first(where: { $0.score == 0 && $0.runs > 0 }),
            tie.load > held ?? 0, tie.load < lowestBroken ?? .max
        {
            return probe(tie.load, .replicating)
        }
        if let harness = harnessLimit(above: held ?? 0, below: lowestBroken ?? .max) {
            return beyondHarness(held, harness)
        }
        guard let lowestBroken else { return grow(from: held) }
        guard let held else {
            return lowestBroken <= 1
                ? confirm(lowestBroken, then: .over(.nothingHolds))
                : probe(lowestBroken / 2, .bisecting)
        }
        if lowestBroken - held > widest(held) {
            return probe(held + (lowestBroken - held) / 2, .bisecting)
        }
        for load in [held, lowestBroken] where abs(score(load)) < settings.replicates {
            return probe(load, .replicating)
        }
        return .over(.found)
    }

    /// The greatest load that holds, and the least one above it that does not.
    package var edges: (held: Int?, broken: Int?) {
        let votes = votes
        let broken = votes.first { $0.score < 0 }?.load
        return (votes.last { $0.score > 0 && $0.load < broken ?? .max }?.load, broken)
    }

    /// Loads worth naming in an estimate of the edge.
    package var estimate: EdgeEstimate? {
        EdgeEstimate(
            trials.compactMap { trial in
                switch trial.outcome {
                case .held: .init(load: Double(trial.load), held: true)
                case .broke: .init(load: Double(trial.load), held: false)
                case .harness: nil
                }
            })
    }

    // MARK: Steps

    private func probe(_ load: Int, _ purpose: Purpose) -> Step {
        .probe(load: load, purpose, ordinal: trials.count { $0.load == load })
    }

    private func grow(from held: Int?) -> Step {
        guard let held else { return probe(settings.start, .growing) }
        if held >= settings.limit { return confirm(held, then: .over(.limit)) }
        let next = max(held + 1, Int((Double(held) * settings.growth).rounded()))
        return probe(min(settings.limit, next), .growing)
    }

    private func confirm(_ load: Int, then step: Step) -> Step {
        abs(score(load)) < settings.replicates ? probe(load, .replicating) : step
    }

    /// The harness gave out at `harness`: what lies below can still be judged.
    private func beyondHarness(_ held: Int?, _ harness: (load: Int, reason: String)) -> Step {
        // Once more: a machine may have been busy for a moment.
        if trials.count(where: { $0.load == harness.load }) < 2 {
            return probe(harness.load, .replicating)
        }
        guard let held else {
            return harness.load <= 1
                ? .over(.harness(harness.reason)) : probe(harness.load / 2, .bisecting)
        }
        if harness.load - held > widest(held) {
            return probe(held + (harness.load - held) / 2, .bisecting)
        }
        return confirm(held, then: .over(.harness(harness.reason)))
    }

    private func widest(_ held: Int) -> Int {
        max(1, Int(Double(held) * settings.tolerance))
    }

    // MARK: Votes

    private struct Vote {
        var load: Int
        /// Runs that held minus runs that broke.
        var score: Int
        /// Runs that said either.
        var runs: Int
    }

    /// By load.
    private var votes: [Vote] {
        var votes: [Vote] = []
        for trial in trials.sorted(by: { $0.load < $1.load }) {
            if votes.last?.load != trial.load {
                votes.append(Vote(load: trial.load, score: 0, runs: 0))
            }
            switch trial.outcome {
            case .held:
                votes[votes.count - 1].score += 1
                votes[votes.count - 1].runs += 1
            case .broke:
                votes[votes.count - 1].score -= 1
                votes[votes.count - 1].runs += 1
            case .harness: break
            }
        }
        return votes
    }

    private func score(_ load: Int) -> Int { votes.first { $0.load == load }?.score ?? 0 }

    /// The least load between the two at which only the harness gave out.
    private func harnessLimit(above held: Int, below broken: Int) -> (load: Int, reason: String)? {
        for trial in trials.sorted(by: { $0.load < $1.load })
        where trial.load > held && trial.load < broken && score(trial.load) == 0 {
            if case .harness(let reason) = trial.outcome { return (trial.load, reason) }
        }
        return nil
    }
}
