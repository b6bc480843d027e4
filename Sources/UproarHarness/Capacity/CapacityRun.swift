import Glibc
import UproarCapacity
import UproarCore
import UproarPosix
import UproarReports
import UproarScenario
import UproarStatistics

/// `uproar capacity`: runs a scenario at one load after another until the edge between holding and breaking is known, then
/// checks the fit, the fastest ramp and the cool-down. After every run `capacity.json` says what is known.
package final class CapacityRun {
    private let plan: CapacityPlan
    private let view: LiveView
    private let folder: RunFolder
    private let began = CapacityRun.seconds()
    private var search: CapacitySearch
    private var result: CapacityResult
    private var turnRate = CapacityPlan.turnRate
    /// Wall-clock seconds that a run takes beyond its load: starting, draining, writing.
    private var overhead = 12.0
    private var runs = 0

    /// Nothing more can be found out: the person or the target said so.
    private struct Stopped: Error {
        var verdict: CapacityResult.Verdict
        var text: String
    }

    package init(_ plan: CapacityPlan, view: LiveView) throws {
        self.plan = plan
        self.view = view
        search = CapacitySearch(plan.search)
        do { folder = try RunFolder(path: plan.out) } catch {
            throw ScenarioLoading.Problem("the folder \(plan.out) cannot be written: \(error)")
        }
        let scenario = plan.loaded.scenario
        result = CapacityResult(
            scenario: scenario.name, scenarioHash: Checking.hash(scenario),
            target: TargetText.of(scenario.target),
            world: plan.isSimulated ? .simulated : .live, seed: plan.loaded.seed,
            commit: BuildCommit.read(), version: plan.version, command: plan.options.commandLine)
        result.priceBook = scenario.prices.name
        result.providers = ProviderText.of(scenario).map {
            "\($0.id.name) \($0.isEmulated ? "" : "(real) ")\($0.preset)"
        }
        result.gates = plan.gates.map(\.text)
        result.limits = Self.limits(plan)
        result.budget = plan.budget.inSeconds
    }

    /// Runs to the end; blocks.
    package func run() throws -> RunSession.Ending {
        for gate in plan.unusedGates {
            view.say("not used: \(gate) (it is of a fault, a moment or a baseline)")
        }
        guard !plan.gates.isEmpty else {
            throw ScenarioLoading.Problem(
                "no gate of the scenario can be judged at a load of its own: name one of the whole run or @steady"
            )
        }
        do {
            try findEdge()
            if !plan.isBrief, result.calls != nil { try explore() }
            result.isPartial = false
        } catch let stopped as Stopped {
            result.verdict = stopped.verdict
            result.verdictText = stopped.text
        }
        conclude()
        return Self.ending(result, out: plan.out)
    }

    // MARK: The search

    private func findEdge() throws {
        while true {
            switch search.next {
            case .over(let ending): return settle(ending)
            case .probe(let load, let purpose, let ordinal):
                let ramp = plan.ramp(load)
                let hold = plan.hold(load, turnRate: turnRate)
                guard fits(ramp + hold, reserve: 0) else { return settle(.spent) }
                let probe = try measure(
                    load, CapacityProbe.Purpose(purpose), ramp: ramp, hold: hold,
                    ordinal: ordinal)
                switch probe.outcome {
                case .held: search.took(load, .held)
                case .broke: search.took(load, .broke)
                case .harness: search.took(load, .harness(probe.reason))
                }
                let edges = search.edges
                result.calls = edges.held
                result.brokeAt = edges.broken
                write()
            }
        }
    }

    private func settle(_ ending: CapacitySearch.Ending) {
        (result.calls, result.brokeAt) = search.edges
        if let estimate = search.estimate {
            // What was seen to hold is part of what may hold.
            var interval = estimate.interval
            interval.low = min(interval.low ?? 0, Double(result.calls ?? 0))
            interval.high = max(interval.high ?? 0, Double(result.calls ?? 0))
            result.interval = interval
        }
        let calls = result.calls.map(String.init) ?? "0"
        switch ending {
        case .found:
            result.verdict = .found
            result.verdictText =
                "\(calls) calls hold every gate; \(result.brokeAt ?? 0) do not."
        case .limit:
            result.verdict = .limit
            result.verdictText =
                "\(calls) calls hold every gate, and no more were asked for (--max)."
        case .harness(let reason):
            result.verdict = .harness
            result.verdictText =
                result.calls == nil
                ? "The harness could not carry a single run, so nothing is known of the agent: \(reason)"
                : "The harness gave out before the agent: it sustains at least \(calls) calls. \(reason)"
        case .nothingHolds:
            result.verdict = .nothingHolds
            result.verdictText = "Not even one call holds every gate."
        case .spent:
            result.verdict = .budget
            result.verdictText =
                result.calls == nil
                ? "The budget was spent before a load was seen to hold."
                : "The budget was spent: at least \(calls) calls hold every gate"
                    + (result.brokeAt.map { ", \($0) do not." } ?? ".")
        }
    }

    // MARK: Beyond the edge

    private func explore() throws {
        guard let calls = result.calls else { return }
        try checkModel(calls)
        try findRamp(calls)
        if !plan.isSimulated { try coolDown(calls) }
    }

    /// Predicts a load that no run has tried, then tries it.
    private func checkModel(_ calls: Int) throws {
        let tried = Set(result.probes.map(\.load))
        let load = [0.75, 0.65, 0.85, 0.55, 0.9].map { Int((Double(calls) * $0).rounded()) }
            .first { $0 > 1 && !tried.contains($0) }
        let model = result.model
        guard let load, let curve = model.p95 else { return }
        let ramp = plan.ramp(load)
        let hold = plan.hold(load, turnRate: turnRate)
        guard fits(ramp + hold, reserve: 0) else { return }
        let latency = curve.predict(Double(load))
        let cores = model.predictCores(Double(load))
        view.say(
            "predicted for \(load) callers: p95 \(Self.milliseconds(latency.value))"
                + (cores.map { ", \(NumberText.fixed($0.value, 3)) cores" } ?? ""))
        let probe = try measure(load, .checking, ramp: ramp, hold: hold, ordinal: 0)
        guard probe.isMeasurement else { return write() }
        if let measured = probe.p95 {
            result.checks.append(
                .init(
                    load: load, figure: "p95_s", predicted: latency.value,
                    interval: latency.interval, measured: measured))
        }
        if let cores, let measured = probe.agentCores {
            result.checks.append(
                .init(
                    load: load, figure: "agent_cores", predicted: cores.value,
                    interval: cores.interval, measured: measured))
        }
        write()
    }

    /// The same load in ever less time, gates judged from the first call on.
    private func findRamp(_ calls: Int) throws {
        let load = max(1, Int(Double(calls) * 0.9))
        var slow = plan.ramp(load)
        var fast = 0.5
        // The three that tell most: at once, as slowly as the search did, and between.
        for attempt in 0..<3 {
            let over = attempt == 0 ? fast : attempt == 1 ? slow : sqrt(slow * fast)
            let hold = plan.hold.inSeconds / 2
            guard fits(over + hold, reserve: 0) else { return }
            let probe = try measure(load, .ramping, ramp: over, hold: hold, ordinal: attempt)
            guard probe.outcome != .harness else { return write() }
            let held = probe.outcome == .held
            result.ramps.append(.init(perSecond: Double(load) / over, load: load, held: held))
            write()
            if attempt == 0, held { return }
            if attempt == 1, !held { return }
            if held { slow = over } else { fast = over }
        }
    }

    /// The load goes, one caller stays: how long until the agent is at rest?
    private func coolDown(_ calls: Int) throws {
        let model = result.model
        guard let perCall = model.coresPerCall, let rest = model.coresAtRest, calls > 2 else {
            return
        }
        let load = max(2, Int(Double(calls) * 0.9))
        let ramp = plan.ramp(load)
        let hold = min(15, plan.hold.inSeconds)
        let watch = 25.0
        guard fits(ramp + hold + watch, reserve: 0) else { return }
        let lines =
            CapacityPlan.lines(load, ramp: ramp, hold: hold) + [
                LoadLine(
                    name: "ramp-2",
                    shape: .callerRamp(.init(from: load, to: 1, over: .seconds(1)))),
                LoadLine(
                    name: "hold-2", shape: .hold(.init(callers: 1, duration: .fromSeconds(watch)))),
            ]
        let end = ramp + hold + 1
        let atRest = rest + perCall + 0.1 * perCall * Double(load)
        _ = try measure(load, .cooling, ramp: ramp, hold: hold, ordinal: 0, lines: lines) {
            ProbeReading.coolDown($0, after: end, rest: atRest)
        }
        write()
    }

    // MARK: One run

    private func measure(
        _ load: Int, _ purpose: CapacityProbe.Purpose, ramp: Double, hold: Double, ordinal: Int,
        lines: [LoadLine]? = nil, coolDown: ((RunResult) -> Double?)? = nil
    ) throws -> CapacityProbe {
        runs += 1
        let name = "probe-\(NumberText.padded(runs, 2))-\(load)"
        var loaded = plan.scenario(
            lines ?? CapacityPlan.lines(load, ramp: ramp, hold: hold),
            judgedOver: purpose == .ramping ? .all : nil)
        // Another run of the same load is another draw.
        loaded.redraw(Seed(plan.loaded.seed).key("capacity", UInt64(load), UInt64(runs)) >> 12)
        var options = plan.options
        options.out = "\(plan.out)/\(name)"
        options.saturation = purpose == .ramping || purpose == .cooling ? nil : .init()
        // The first run says what the machine adds of its own; the others are of the same machine.
        options.measuresNoise = runs == 1
        view.say(
            "run \(runs): \(load) callers, \(purpose.rawValue), "
                + "\(NumberText.fixed(ramp + hold, 0)) s; \(spentText)")
        let start = Self.seconds()
        _ =
            plan.isSimulated
            ? try RunSession.simulate(loaded, options: options, version: plan.version, view: view)
            : try RunSession.run(loaded, options: options, version: plan.version, view: view)
        let run = try Comparing.load(options.out ?? plan.out)
        let took = Self.seconds() - start
        overhead = plan.isSimulated ? 0 : max(overhead * 0.5, took - ramp - hold)
        switch run.outcome.word {
        case .interrupted:
            throw Stopped(
                verdict: .interrupted, text: "Interrupted after \(runs - 1) runs; they are kept.")
        case .unreachable:
            throw Stopped(
                verdict: .unreachable,
                text: "The target could not be called: \(run.outcome.reasons.first ?? "")")
        default: break
        }
        if run.ledger.calls.due == 0, let reason = run.outcome.reasons.first {
            throw ScenarioLoading.Problem("\(name) did not start: \(reason)")
        }
        var probe = ProbeReading.probe(
            run, .init(load: load, purpose: purpose, ramp: ramp, hold: hold, folder: name))
        probe.coolDown = coolDown?(run)
        if probe.turns > 20, probe.connected > 1 {
            turnRate = Double(probe.turns) / probe.connected
        }
        result.probes.append(probe)
        view.say("run \(runs): \(CapacityText.line(probe))")
        return probe
    }

    // MARK: Budget and files

    private func fits(_ seconds: Double, reserve: Double) -> Bool {
        // Virtual time is cheap: the last runs say how cheap.
        let cost = plan.isSimulated ? simulatedCost : seconds + overhead
        return runs == 0 || spent + cost + reserve <= plan.budget.inSeconds
    }

    private var simulatedCost: Double { runs == 0 ? 0 : 1.5 * spent / Double(runs) }
    private var spent: Double { Self.seconds() - began }
    private var spentText: String {
        "\(NumberText.fixed(spent / 60, 1)) of \(NumberText.fixed(plan.budget.inSeconds / 60, 0)) min"
    }

    private func write() {
        result.spent = plan.isSimulated ? 0 : spent
        folder.write(result.encoded(), to: "capacity.json")
    }

    private func conclude() {
        result.bottleneck = Bottleneck.find(
            result.probes, result.limits, edge: result.brokeAt ?? result.calls)
        if result.verdict == .harness {
            result.bottleneck = Bottleneck(
                kind: .harness,
                text: "The harness, not the agent: take a larger machine, or several.",
                evidence: result.probes.filter { $0.outcome == .harness }.map(\.reason))
        }
        write()
        folder.write(CapacityPage(result).text, to: "capacity.html")
    }

    /// The files of a stored search, written again from its `capacity.json`.
    private static func ending(_ result: CapacityResult, out: String) -> RunSession.Ending {
        let code: ExitCode =
            switch result.verdict {
            case .found, .limit: .passed
            case .budget: result.calls == nil ? .inconclusive : .passed
            case .harness: .inconclusive
            case .nothingHolds: .gateFailed
            case .interrupted: .interrupted
            case .unreachable: .unreachable
            }
        return .init(
            exitCode: code,
            summary: CapacityText(result).text
                + "FILES      \(out)/capacity.html  capacity.json\n")
    }

    private static func limits(_ plan: CapacityPlan) -> Bottleneck.Limits {
        var limits = Bottleneck.Limits()
        guard !plan.isSimulated else { return limits }
        let scenario = plan.loaded.scenario
        if case .url = scenario.target { return limits }
        if case .embedded(let workers, _) = scenario.target { limits.threads = workers }
        let machine = UproarPosix.MachineLimits.read()
        if let cores = scenario.agentCores {
            limits.cores = cores.value
            limits.coresText = "its quota of \(NumberText.fixed(cores.value, cores.places)) cores"
        } else {
            let count = Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            limits.cores = count
            limits.isShared = true
            limits.coresText = "the \(NumberText.fixed(count, 0)) cores of this machine"
        }
        limits.memory = machine.memoryLimitBytes.map(Double.init)
        return limits
    }

    private static func milliseconds(_ seconds: Double) -> String {
        NumberText.fixed(seconds * 1000, 0) + " ms"
    }

    private static func seconds() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}

extension CapacityProbe.Purpose {
    init(_ purpose: CapacitySearch.Purpose) {
        switch purpose {
        case .growing: self = .growing
        case .bisecting: self = .bisecting
        case .replicating: self = .replicating
        }
    }
}
