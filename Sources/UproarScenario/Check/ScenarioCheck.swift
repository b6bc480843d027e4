import UproarCore

/// What a scenario will need, and what is wrong with it that only the plan shows: for `uproar check`, and before any run.
package struct ScenarioCheck: Sendable {
    package let plan: ArrivalPlan
    package let windows: LoadWindows
    package let timeline: TimelinePlan
    package let call: CallEstimate
    /// Calls at once, open calls taken as long as estimated.
    package let peakCalls: Int
    /// Calls in all, redials included.
    package let calls: Int
    package let turns: Int
    /// Needs of each process, the caller's first.
    package let processes: [ProcessNeed]
    /// Local ports of the caller's process.
    package let ports: Int
    package let memory: Int
    /// US dollars at the scenario's prices; nil without a price for everything.
    package let cost: Double?
    /// The run cannot or must not start.
    package let problems: [FileProblem]
    /// The run may start, and its author should know.
    package let warnings: [FileProblem]

    package struct ProcessNeed: Hashable, Sendable {
        package var name: String
        package var descriptors: Int
        package var memory: Int
    }

    /// Bytes beyond the shared audio, for one call.
    static let callerMemory = 20_000
    static let agentMemory = 120_000
    static let emulatorMemory = 120_000
    static let processMemory = 60_000_000
    /// Files, pipes, timers and control sockets of a process.
    static let ownDescriptors = 64
    /// A call's connection, its three providers and its share of the session store.
    static let agentDescriptors = 5
    static let emulatorDescriptors = 3
    /// Fewer turns before the first fault are no baseline.
    package static let baselineTurns = 20

    /// - endpointing: the reference agent's own, used where the scenario sets none.
    package init(
        _ scenario: Scenario, seed: Seed, catalog: ScenarioCatalog,
        limits: MachineLimits = MachineLimits(), endpointing: Duration? = nil
    ) {
        plan = ArrivalPlan(scenario.load, seed: seed, redial: scenario.redial)
        windows = plan.windows
        timeline = TimelinePlan(scenario.timeline, seed: seed, loadDuration: plan.duration)
        call = CallEstimate(scenario)
        let length = call.isEndless ? plan.duration + scenario.drain : call.length
        peakCalls = plan.peakCalls(callLength: length)
        calls = plan.callCount(callLength: length)
        turns = Self.turns(plan, call, until: plan.duration, drain: scenario.drain)
        // Which call is of which channel is drawn: at the worst all are of the dearest.
        let transports = catalog.transports.filter { scenario.transports.contains($0.name) }
        ports = peakCalls * (transports.map(\.portsPerCall).max() ?? 1)
        processes = Self.processes(
            scenario, peakCalls, transports.map(\.descriptorsPerCall).max() ?? 1)
        memory = processes.reduce(Self.audioMemory(scenario)) { $0 + $1.memory }
        // A caller stays for as long as the plan says, whatever the number of its calls.
        let total = call.turns == 0 ? 0 : Double(turns) / Double(call.turns)
        cost = call.cost(scenario).map { $0 * total }
        var findings = ScenarioFindings(scenario: scenario, catalog: catalog)
        findings.checkMachine(
            limits, processes: processes, ports: ports, memory: memory, calls: calls,
            peak: peakCalls)
        findings.checkGates(windows, turns: turns)
        findings.checkTimeline(timeline, plan: plan, call: call)
        findings.checkEndpointing(default: endpointing)
        findings.checkIntents()
        problems = findings.problems
        warnings = findings.warnings
    }

    private static func processes(_ scenario: Scenario, _ peak: Int, _ each: Int) -> [ProcessNeed] {
        var needs = [
            ProcessNeed(
                name: "callers", descriptors: peak * each + ownDescriptors,
                memory: peak * callerMemory + processMemory)
        ]
        if case .url = scenario.target {
            guard case .listen = scenario.providers.place else { return needs }
        }
        if case .embedded(let workers, _) = scenario.target {
            for worker in 1...workers {
                let share = (peak + workers - 1) / workers
                needs.append(
                    ProcessNeed(
                        name: worker == 1 ? "agent" : "agent-\(worker)",
                        descriptors: share * agentDescriptors + ownDescriptors,
                        memory: share * agentMemory + processMemory))
            }
        }
        needs.append(
            ProcessNeed(
                name: "providers", descriptors: peak * emulatorDescriptors + ownDescriptors,
                memory: peak * emulatorMemory + processMemory))
        return needs
    }

    /// The corpus as 16-bit samples at 16 kHz, and encoded for the wire.
    private static func audioMemory(_ scenario: Scenario) -> Int {
        let seconds = scenario.audio.clips.reduce(0.0) { $0 + $1.speech.upperBound.inSeconds + 0.5 }
        return Int(seconds * (32_000 + 8_000))
    }

    /// About how many turns end before `until`: the time callers spend in calls, divided by a turn's length.
    ///
    /// - drain: so much longer calls that are under way then may go on. A load of nothing but a spike has all its turns there.
    static func turns(
        _ plan: ArrivalPlan, _ call: CallEstimate, until: Duration, drain: Duration = .zero
    ) -> Int {
        guard call.turns > 0, call.turnLength > .zero else { return 0 }
        let turn = call.turnLength.inSeconds
        // What is left of each cycle once its redial has passed.
        let cycle = call.length.inSeconds
        let share = call.isEndless ? 1 : cycle / (cycle + plan.redial.inSeconds)
        var total = 0.0
        for span in plan.spans where span.from < until {
            total += (min(span.until, until) - span.from).inSeconds * share / turn
            // Who is in the middle of a call at the end has half of it before them.
            if span.until >= until, !call.isEndless {
                total += min(drain.inSeconds, cycle / 2) * share / turn
            }
        }
        let end = until + drain
        for arrival in plan.arrivals where arrival.at < end {
            total += min((end - arrival.at).inSeconds, cycle) / turn
        }
        return Int(total)
    }
}
