import UproarCore

/// Everything a run leaves for readers: `result.json`. Every report renders from this value alone.
///
/// Times are since the run's first due arrival. Wall-clock times, host, paths and machine facts are not here: they stand in
/// `environment.json`, so that a simulated run gives the same bytes everywhere.
package struct RunResult: Sendable, Equatable {
    package static let schema = "uproar.result/1"

    package var isPartial: Bool
    package var scenario: Scenario
    package var seed: UInt64
    package var world: World
    package var commit: String
    package var version: String
    /// The command that runs this again.
    package var command: String
    package var outcome: RunOutcome
    package var validity: Validity
    package var load = Load()
    package var audio = Audio()
    /// The providers of the run, emulated or real, with the preset that says how fast they are.
    package var providers: [Provider] = []
    /// `embedded`, `command …` or `url …`, as the scenario has it.
    package var target: String
    package var windows: [RunWindow] = []
    package var recorder: IntervalRecorder
    package var gates: [GateResult] = []
    package var ledger: RunLedger
    package var cost: CostTally
    /// Name of the price file and the date of its figures.
    package var priceBook: String
    package var faults: [FaultRecord] = []
    /// Alert rules on the agent's own metrics, and when each fired; nil when they were not evaluated.
    package var alerts: [AlertRecord]?
    /// What people and the timeline said, as it was said.
    package var marks: [Mark] = []
    /// What people should know of calls beside their figures, most calls first.
    package var remarks: [Remark] = []
    package var processes: [ProcessRecord] = []
    package var worstCalls: [CallRecord] = []
    /// Calls whose sound was kept, as `tapes/call-ID.wav` beside the result.
    package var tapes: [UInt32] = []
    /// What the run was held against.
    package var baseline: BaselineRecord?
    /// Someone steered the run by hand: it cannot be repeated, and is no baseline.
    package var isInteractive = false
    /// What runs are compared by: some calls, each with its turns.
    package var draw = CallDraw()
    /// Turn latency against the age of the call.
    package var ages = CallAges()
    /// Files of the run beside the result, by name, in the order of the FILES line.
    package var files: [String] = []

    package enum World: String, Sendable { case live, simulated }

    package struct Scenario: Sendable, Hashable {
        package var name: String
        package var summary: String
        /// Leaves out seed, output folder and ports.
        package var fileHash: String
        /// The scenario with every default filled in.
        package var resolved: JSONValue

        package init(
            name: String, summary: String = "", fileHash: String = "", resolved: JSONValue = .null
        ) {
            self.name = name
            self.summary = summary
            self.fileHash = fileHash
            self.resolved = resolved
        }
    }

    package struct Load: Sendable, Hashable {
        /// The load lines as written, with their names.
        package var lines: [Line] = []
        /// First due arrival to the end of the drain.
        package var duration: Duration = .zero
        /// Most calls under way at once.
        package var peak: Int = 0

        package struct Line: Sendable, Hashable {
            package var name: String
            package var text: String

            package init(name: String, text: String) {
                self.name = name
                self.text = text
            }
        }

        package init() {}
    }

    /// Why calls were dropped or refused, or what the agent did that its protocol does not allow.
    package struct Remark: Sendable, Hashable {
        package var text: String
        package var calls: Int

        package init(text: String, calls: Int) {
            self.text = text
            self.calls = calls
        }
    }

    package struct Audio: Sendable, Hashable {
        package var corpus: String = ""
        package var clips: Int = 0
        package var speakers: [String] = []
        package var variants: [String] = []
        /// True when speech ends were found by our annotation and not by a person.
        package var isAnnotatedByUs: Bool = false
        package var licences: [String] = []

        package init() {}
    }

    package struct Provider: Sendable, Hashable {
        package var id: ProviderID
        /// `first_token lognormal(p50=250ms, p95=350ms)`; for a real provider its address.
        package var preset: String
        package var isEmulated: Bool

        package init(_ id: ProviderID, preset: String, isEmulated: Bool = true) {
            self.id = id
            self.preset = preset
            self.isEmulated = isEmulated
        }
    }

    package struct FaultRecord: Sendable, Hashable {
        package var id: String
        package var kind: String
        package var target: String
        /// One line for people: what it did.
        package var summary: String
        package var armed: Instant?
        package var firstEffect: Instant?
        package var lastEffect: Instant?
        package var cleared: Instant?
        package var recovered: Instant?
        /// How often it took effect.
        package var effects: UInt64
        /// What it came to, in the order of reports.
        package var figures: [FaultFigure] = []
        /// Providers that stood in.
        package var alternates: [String] = []
        /// What a person should know of it, a sentence each.
        package var findings: [String] = []
        /// What the agent counted of its own errors from the first effect to the end, the most frequent first; empty where it shows none.
        package var agentErrors: [AgentError] = []

        package init(_ report: FaultReport) {
            let subject = report.subject
            self.init(
                id: subject.id, kind: subject.kind, target: subject.target,
                summary: subject.summary, effects: report.effects)
            armed = report.armed
            firstEffect = report.firstEffect
            lastEffect = report.lastEffect
            cleared = report.cleared
            recovered = report.recoveredAt
            figures = report.figures
            alternates = report.alternates.map(\.name)
            findings = report.findings
        }

        package init(id: String, kind: String, target: String, summary: String, effects: UInt64) {
            self.id = id
            self.kind = kind
            self.target = target
            self.summary = summary
            self.effects = effects
        }
    }

    package struct AlertRecord: Sendable, Hashable {
        package var name: String
        /// When it fired first; nil: it did not.
        package var at: Instant?
        /// The scenario expects it this soon after the first effect of its faults; nil: it says nothing of it.
        package var within: Duration?
        /// Expected, and not observed in time.
        package var isMissing = false

        package init(name: String, at: Instant?) {
            self.name = name
            self.at = at
        }
    }

    package struct Mark: Sendable, Hashable {
        package var at: Instant
        package var text: String

        package init(at: Instant, text: String) {
            self.at = at
            self.text = text
        }
    }

    package struct ProcessRecord: Sendable, Hashable {
        package var name: String
        package var group: CPUGroup
        /// Cores, mean over the run and the busiest second.
        package var meanCores: Double
        package var peakCores: Double
        /// Resident bytes.
        package var meanMemory: Int
        package var peakMemory: Int

        package init(
            name: String, group: CPUGroup, meanCores: Double, peakCores: Double, meanMemory: Int,
            peakMemory: Int
        ) {
            self.name = name
            self.group = group
            self.meanCores = meanCores
            self.peakCores = peakCores
            self.meanMemory = meanMemory
            self.peakMemory = peakMemory
        }
    }

    /// What a run has before its first call: partial, interrupted, without numbers.
    package init(
        scenario: Scenario, seed: UInt64, world: World, commit: String, version: String,
        command: String, target: String, priceBook: String
    ) {
        isPartial = true
        self.scenario = scenario
        self.seed = seed
        self.world = world
        self.commit = commit
        self.version = version
        self.command = command
        self.target = target
        self.priceBook = priceBook
        outcome = RunOutcome(
            .interrupted, .inconclusive, reasons: ["the run has not ended, or was killed"])
        validity = Validity()
        recorder = IntervalRecorder()
        ledger = RunLedger()
        cost = CostTally()
    }

    /// Puts in what has been measured so far.
    package mutating func take(_ tally: RunTally) {
        recorder = tally.recorder
        ledger = tally.ledger
        cost = tally.cost
        worstCalls = tally.worst.calls
        draw = tally.draw
        ages = tally.ages
    }

    /// Where gates and reports read.
    package var source: MetricSource {
        MetricSource([recorder], windows: windows, end: .zero + load.duration)
    }

    /// Judges the stored rules again on the stored intervals: the same verdicts as at the end of the run.
    package func judgedAgain(baseline: RunResult? = nil) -> [GateResult] {
        GateEvaluator(source, baseline: baseline?.source).evaluate(gates.map(\.rule))
    }
}
