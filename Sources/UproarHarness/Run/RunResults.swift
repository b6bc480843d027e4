import Glibc
import UproarCore
import UproarLoad
import UproarPosix
import UproarReports
import UproarScenario
import UproarStatistics

/// What a run comes to, from before its first call to its end: the recorder, the result, and what bears on the outcome.
package final class RunResults {
    package let recorder: RunRecorder
    package private(set) var result: RunResult
    private let plan: RunPlan
    private let folder: RunFolder?
    /// Nothing but the comparison with the baseline is open.
    private(set) var isUndecided = false
    private var notes: [String] = []
    private var hasEnded = false
    private var peak = 0
    private var startFailure: String?
    private var faults: FaultDriver?

    /// What was done to the run, and its end.
    var evidence: RunEvidence?

    /// What was asked of the emulators; nil where the run hears none.
    let requests: RequestFile?

    package var unreachable: String?
    /// The agent's own metrics, second by second.
    package var watch: AgentWatch?
    /// A fault that could not be undone.
    package var dirty: String?
    package var abortedBy: GateResult?
    package var signal: RunOutcome.Signal?
    /// Why the run could not go on (a lost guardian): it proves nothing.
    package var broken: String?
    package var callerFactsDropped = 0
    /// The agent fell ever further behind, and the run was ended for it: the evidence.
    package var oversaturation: String?
    /// From the start of the agent's process until it took calls.
    package var coldStart: Duration?
    /// Of the known answers around the run.
    var noise = Noise()
    /// The tapes of the run's calls; nil where none were asked for.
    var tapes: TapeShelf?
    /// The run to hold this one against, and from when a difference counts.
    package var baseline: (result: RunResult, limits: ComparisonLimits)?
    /// Wall-clock second of the first due arrival, for `environment.json`.
    package private(set) var startedAt: time_t?

    /// - folder: nil in simulation until the end: then nothing is written while it goes on.
    package init(
        plan: RunPlan, world: RunResult.World, folder: RunFolder?, commit: String, version: String,
        command: String
    ) {
        self.plan = plan
        self.folder = folder
        recorder = RunRecorder(plan: plan)
        let scenario = plan.scenario
        requests =
            scenario.hasEmulators
            ? folder.map { RequestFile(folder: $0, seed: plan.seed, prices: scenario.prices) } : nil
        result = RunResult(
            scenario: .init(
                name: scenario.name, summary: scenario.summary, fileHash: plan.hash,
                resolved: SharePaths.stripped(scenario.resolved(seed: plan.seed.value))),
            seed: plan.seed.value, world: world, commit: commit, version: version,
            command: command, target: TargetText.of(scenario.target),
            priceBook: scenario.prices.name)
        result.load.lines = scenario.load.map { .init(name: $0.name, text: $0.text) }
        result.audio = AudioText.of(scenario.audio, plan.clips)
        result.providers = ProviderText.of(scenario)
        result.windows = windows(end: nil)
        result.files = [
            "report.html", "result.json", "junit.xml", "summary.md", "calls.jsonl", "metrics.prom",
            "journal.jsonl",
        ]
        if requests != nil { result.files.append("requests.jsonl") }
        recorder.onCall = { [weak self] record in
            folder?.appendCall(record.json.encoded())
            guard let self, let tapes = self.tapes else { return }
            tapes.folded(record, worst: recorder.tally.worst.calls)
        }
    }

    struct Noise {
        var before: NoiseFloor?
        var after: NoiseFloor?
    }

    package func note(_ text: String) { notes.append(text) }

    /// Somebody steered the run: what they did stands in the report, and no later run is held against this one.
    package func steered(_ text: String) {
        result.isInteractive = true
        notes.append("by hand: \(text)")
    }

    /// Why there is no steady state to disturb now; nil when there is one.
    package var steadyStateProblem: String? {
        let turns = recorder.turnsSoFar
        let lost = recorder.lostSoFar
        let dropped = recorder.tally.ledger.calls.dropped
        if lost > 0 { return "\(lost) of \(turns) turns before it were lost" }
        if dropped > 0 { return "\(dropped) calls before it were dropped" }
        guard turns < ScenarioCheck.baselineTurns else { return nil }
        return "\(turns) turns came before it, \(ScenarioCheck.baselineTurns) are due"
    }

    package func failToStart(_ reason: String) { startFailure = reason }

    package func began(at start: Instant, unixTime: time_t) {
        startedAt = unixTime
        requests?.began(at: start)
    }

    /// The run has a timeline: its faults are watched from here on.
    package func watch(_ faults: FaultDriver) {
        self.faults = faults
        recorder.onFact = { [weak faults] in faults?.take($0) }
        let onCall = recorder.onCall
        recorder.onCall = { [weak faults] call in
            onCall?(call)
            faults?.take(call)
        }
        faults.holds = { [weak self] rule, now in
            guard let judged = self?.evaluator(now: now).evaluateNow(rule) else { return nil }
            return judged.observed == nil ? nil : judged.outcome == .passed
        }
    }

    private var faultWindows: FaultWindows { FaultWindows(faults?.histories ?? []) }

    // MARK: While it runs

    /// Writes the result as it stands, marked partial.
    package func writePartial() {
        result.isPartial = true
        folder?.write(result.encoded(), to: "result.json")
    }

    /// The result as it stands, with its gates judged on what there is: for those who watch.
    package func judgedSoFar() -> RunResult {
        var result = result
        result.gates = evaluatedGates
        return result
    }

    private var evaluatedGates: [GateResult] {
        GateEvaluator(result.source, baseline: baseline?.result.source).evaluate(gates)
    }

    package func checkpoint(sampler: Sampler, now: Instant) {
        fill(sampler: sampler, now: now)
        result.gates = evaluatedGates
        writePartial()
    }

    package func evaluator(now: Instant) -> GateEvaluator {
        GateEvaluator(MetricSource(recorder.recorders(), windows: windows(end: now), end: now))
    }

    package func snapshot(
        sampler: Sampler, sample: GeneratorSample, phase: String, now: Instant, planned: Duration
    ) -> LiveSnapshot {
        var snapshot = LiveSnapshot()
        let counts = sampler.counts
        snapshot.scenario = plan.scenario.name
        snapshot.phase = phase
        snapshot.elapsed = now - .zero
        snapshot.planned = planned
        snapshot.inCall = counts.inCall
        peak = max(peak, counts.inCall)
        snapshot.offered = counts.due
        snapshot.started = counts.dialled
        snapshot.answered = counts.answered + counts.inCall
        snapshot.ended = counts.ended
        snapshot.failedCalls = counts.refused + counts.notStarted
        snapshot.turns = recorder.turnsSoFar
        snapshot.turnsLost = recorder.lostSoFar
        let recorders = recorder.recorders()
        snapshot.total = latency(recorders, nil)
        snapshot.interval = latency(recorders, (now - .seconds(5))..<now)
        let evaluator = GateEvaluator(
            MetricSource(recorders, windows: windows(end: now), end: now))
        snapshot.gates = plan.scenario.gates.map { rule in
            let judged = evaluator.evaluateNow(rule)
            let state: LiveSnapshot.Gate.State =
                judged.observed == nil
                ? .waiting
                : judged.outcome == .failed
                    ? .failing
                    : judged.outcome == .inconclusive
                        ? .waiting : Self.isNear(judged) ? .atRisk : .ok
            return .init(
                text: rule.text, state: state,
                observed: judged.observed.map { $0.text(judged.dimension) } ?? "")
        }
        let cores = CPUGroup.allCases.compactMap { sample[$0] }
        if !cores.isEmpty {
            snapshot.processorShare =
                cores.reduce(0, +) / Double(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        }
        snapshot.latenessP99 = sample.sendLatenessP99
        snapshot.framesSkipped = sampler.log.samples.reduce(0) { $0 + Int64($1.framesSkipped) }
        snapshot.validity = validity(sampler).state
        snapshot.faults = (faults?.histories ?? []).map { ($0.subject.id, $0.phase) }
        return snapshot
    }

    /// It holds, and yet the limit lies within the confidence of what was seen.
    private static func isNear(_ gate: GateResult) -> Bool {
        guard let limit = gate.limit, let interval = gate.interval else { return false }
        let low = interval.low ?? -.infinity
        let high = interval.high ?? .infinity
        return low < limit && limit < high
    }

    private func latency(_ recorders: [IntervalRecorder], _ range: Range<Instant>?)
        -> LiveSnapshot.Latency
    {
        var sum = Interval()
        for recorder in recorders {
            sum.add(
                range.map { recorder.merged("voice_to_voice", in: [$0]) }
                    ?? recorder.merged("voice_to_voice"))
        }
        var latency = LiveSnapshot.Latency()
        latency.count = Int(sum.samples.count)
        func quantile(_ q: Double) -> Duration? {
            sum.samples.quantile(q).map { .nanoseconds(Int64($0.value)) }
        }
        latency.p50 = quantile(0.5)
        latency.p95 = quantile(0.95)
        if sum.samples.count >= 100 { latency.p99 = quantile(0.99) }
        return latency
    }

    // MARK: The end

    /// - evidence: what the providers' child said last.
    package func finish(sampler: Sampler, now: Instant, evidence: JSONValue) {
        hasEnded = true
        requests?.finish()
        recorder.foldAll(now: now)
        fill(sampler: sampler, now: now)
        if let watch { result.alerts = AlertRules.evaluate(watch) }
        result.isPartial = false
        decide()
    }

    /// A run that never came to its first call.
    package func finishUnstarted() {
        requests?.finish()
        result.isPartial = false
        decide()
    }

    private func decide() {
        result.tapes = tapes?.kept(worst: result.worstCalls) ?? []
        result.gates = evaluatedGates
        var evidence = RunOutcome.Evidence(
            validity: result.validity, gates: result.gates,
            answeredTurns: result.ledger.turns.answered)
        evidence.unreachable = unreachable
        evidence.dirty = dirty
        evidence.abortedBy = abortedBy
        evidence.signal = signal
        judgeAlerts(&evidence)
        if let baseline { compare(with: baseline.result, baseline.limits, &evidence) }
        result.outcome = RunOutcome.decide(evidence)
        isUndecided = !evidence.undecided.isEmpty && startFailure == nil
        if isUndecided {
            evidence.undecided = []
            isUndecided = RunOutcome.decide(evidence).word == .passed
        }
        if let startFailure, signal == nil {
            result.outcome = RunOutcome(.invalid, .inconclusive, reasons: [startFailure])
        }
        if let oversaturation { result.outcome.reasons.append(oversaturation) }
        result.outcome.reasons += notes + [tapes?.note].compactMap { $0 }
    }

    /// What the scenario expects to have fired, counted from the first effect of its faults.
    private func judgeAlerts(_ evidence: inout RunOutcome.Evidence) {
        guard hasEnded, let expected = plan.scenario.alerts, !expected.isEmpty else { return }
        guard var alerts = result.alerts, let start = result.faults.compactMap(\.firstEffect).min()
        else {
            evidence.unknownAlerts =
                "the expected alerts were not evaluated: the agent's metrics page was not seen"
            return
        }
        for wanted in expected {
            guard let place = alerts.firstIndex(where: { $0.name == wanted.name }) else { continue }
            alerts[place].within = wanted.within
            let time = alerts[place].at.map { $0 - start }
            guard time.map({ $0 > wanted.within }) ?? true else { continue }
            alerts[place].isMissing = true
            let seen = time.map { "fired after \(NumberText.duration($0))" } ?? "NOT OBSERVED"
            evidence.missingAlerts.append("alert \(wanted.text): \(seen)")
        }
        result.alerts = alerts
    }

    private func compare(
        with baseline: RunResult, _ limits: ComparisonLimits, _ evidence: inout RunOutcome.Evidence
    ) {
        let comparison = RunComparison(
            baseline.draw, result.draw,
            limits.heeding(
                baseline.validity.worstNoiseFloor, result.validity.worstNoiseFloor),
            growing: .after)
        let record = BaselineRecord(baseline, comparison)
        result.baseline = record
        let text = ComparisonText(comparison, before: record.label, after: "this run")
        evidence.take(comparison, text)
    }

    private func record(_ report: FaultReport, end: Instant) -> RunResult.FaultRecord {
        var record = RunResult.FaultRecord(report)
        if let watch, let first = report.firstEffect {
            record.agentErrors = watch.errors(from: first, to: report.cleared ?? end)
        }
        return record
    }

    private var gates: [GateRule] { plan.scenario.gates }

    private func fill(sampler: Sampler, now: Instant) {
        for (metric, value) in [
            ("agent_cpu_per_call", sampler.agentCoresPerCall),
            ("agent_memory_per_call", sampler.agentBytesPerCall),
            ("agent_kbps_per_call", bitsPerCall),
        ] {
            if let value { recorder.setValue(metric, value) }
        }
        if let coldStart {
            recorder.setValue("agent_cold_start", Double(coldStart.nanoseconds))
        }
        result.take(hasEnded ? recorder.tally : recorder.tallySoFar())
        result.windows = windows(end: now)
        for history in faults?.histories ?? [] {
            let report = history.report(end: now)
            report.record(into: &result.recorder)
        }
        result.faults = (faults?.histories ?? []).map { record($0.report(end: now), end: now) }
        if !result.faults.isEmpty, !result.files.contains("postmortem.md") {
            result.files.append("postmortem.md")
        }
        result.marks = (faults?.marks ?? []).map { .init(at: $0.at, text: $0.text) }
        result.load.duration = now - .zero
        peak = max(peak, sampler.counts.inCall)
        result.load.peak = max(peak, sampler.log.samples.map(\.inFlight).max() ?? 0)
        result.remarks = RemarkText.records(of: sampler.counts.remarks)
        result.processes = ProcessText.records(of: sampler.log)
        result.validity = validity(sampler)
    }

    /// Media bits per second of a call, both ways.
    private var bitsPerCall: Double? {
        let ledger = recorder.tally.ledger
        let seconds = ledger.connected.inSeconds
        guard seconds > 0 else { return nil }
        return Double(ledger.bytesSent + ledger.bytesReceived) * 8 / seconds
    }

    private func validity(_ sampler: Sampler) -> Validity {
        let steady = windows(end: nil).filter { $0.kind == .steady }.map { $0.from..<$0.to }
        var validity = ValidityJudge().judge(
            sampler.log,
            .init(
                sendLateness: recorder.tally.recorder.merged("send_lateness").samples,
                steady: steady, lateRenders: recorder.tally.ledger.lateRenders,
                turns: recorder.tally.ledger.turns.owed,
                lostFacts: recorder.droppedFacts + recorder.lateFacts
                    + UInt64(callerFactsDropped), noise: (noise.before, noise.after)))
        if let broken { validity.distrust(broken) }
        // A fault that met nobody proves nothing about anybody.
        if signal == nil, abortedBy == nil, hasEnded {
            for reason in faultWindows.unproven + (faults?.problems ?? []) {
                validity.distrust(reason)
            }
        }
        if let failure = folder?.failure { validity.distrust(Self.unwritten(failure)) }
        return validity
    }

    private static func unwritten(_ failure: Errno) -> String {
        "the result could not be written whole: \(failure)"
    }

    /// The last files did not all find room: the result says so, names only what is there, and proves nothing.
    func lack(_ names: [String], because failure: Errno) {
        result.files.removeAll { names.contains($0) }
        let reason = Self.unwritten(failure)
        if !result.validity.reasons.contains(reason) {
            result.validity.distrust(reason)
            decide()
        }
    }

    /// The windows of the load, cut at `end` where the run ended sooner.
    private func windows(end: Instant?) -> [RunWindow] {
        let load = plan.arrivals.windows
        let limit = end ?? .distantFuture
        func cut(_ range: Range<Duration>) -> (Instant, Instant) {
            (min(.zero + range.lowerBound, limit), min(.zero + range.upperBound, limit))
        }
        var windows: [RunWindow] = []
        let warmup = cut(load.warmup)
        if warmup.0 < warmup.1 {
            windows.append(.init(id: "warmup", kind: .warmup, from: warmup.0, to: warmup.1))
        }
        let steady = cut(load.steady)
        windows += RunWindow.steady(
            from: steady.0, to: steady.1, minus: faultWindows.disturbed(until: limit))
        for stage in load.stages {
            let (from, to) = cut(stage.window)
            windows.append(.init(id: stage.name, kind: .stage, from: from, to: to))
        }
        if let end, steady.1 < end {
            windows.append(.init(id: "drain", kind: .drain, from: steady.1, to: end))
        }
        return windows + faultWindows.windows(until: limit)
    }
}

extension RunOutcome.Evidence {
    /// What a comparison with the baseline says for or against the run.
    mutating func take(_ comparison: RunComparison, _ text: ComparisonText) {
        switch comparison.verdict {
        case .regressed: regressions = text.sentences(.regressed)
        case .inconclusive:
            let rows = text.sentences(.inconclusive)
            undecided = rows.isEmpty ? ["no calls to compare with the baseline"] : rows
        case .improved, .unchanged: break
        }
    }
}
