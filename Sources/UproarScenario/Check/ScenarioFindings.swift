import UproarCore

/// Collects what is wrong with a scenario beyond its words.
struct ScenarioFindings {
    let scenario: Scenario
    let catalog: ScenarioCatalog
    private(set) var problems: [FileProblem] = []
    private(set) var warnings: [FileProblem] = []

    init(scenario: Scenario, catalog: ScenarioCatalog) {
        self.scenario = scenario
        self.catalog = catalog
    }

    private static let page = "docs/scenario.md"
    /// What only references and the emulators tell: a gate on one of these would pass on nothing.
    private static let needingReferences = [
        "turns_duplicated", "turns_stale", "turns_truncated", "turns_cross_talked",
        "task_completed", "voice_to_answer",
    ]

    mutating func checkMachine(
        _ limits: MachineLimits, processes: [ScenarioCheck.ProcessNeed], ports: Int, memory: Int,
        calls: Int, peak: Int
    ) {
        let place = scenario.places.load
        if calls > LoadText.callerLimit {
            problem(
                place, "the load makes about \(calls) calls, redials included",
                "at most \(LoadText.callerLimit) calls in a run", "#load")
        }
        let each = processes.map {
            max(1, ($0.descriptors - ScenarioCheck.ownDescriptors) / max(1, peak))
        }
        for (need, share) in zip(processes, each) {
            guard let limit = limits.descriptors, need.descriptors > limit else { continue }
            let fit = max(0, limit - ScenarioCheck.ownDescriptors) / share
            problem(
                place,
                "\(peak) calls at once need \(need.descriptors) descriptors in the \(need.name) process; this machine allows \(limit)",
                "about \(fit) calls at once here, or a higher limit of open files (ulimit -Hn)",
                "#load")
        }
        if let limit = limits.ports, ports > limit {
            problem(
                place, "\(peak) calls at once need \(ports) local ports; this machine has \(limit)",
                "fewer calls, or a wider net.ipv4.ip_local_port_range", "#load")
        }
        if let limit = limits.memory, memory > limit {
            warning(
                place,
                "the run needs about \(memory / 1_000_000) MB of memory; \(limit / 1_000_000) MB are available",
                "fewer calls at once", "#load")
        }
    }

    mutating func checkGates(_ windows: LoadWindows, turns: Int) {
        for (gate, mark) in zip(scenario.gates, scenario.places.gates) {
            if !scenario.isTagging, Self.needingReferences.contains(gate.metric) {
                problem(
                    mark, "\(gate.metric) is unknown while tagging is off",
                    "gates on what the waveform tells, such as voice_to_voice or turns_lost",
                    page: "docs/scenario.md#providers")
            }
            var used = [gate.window]
            if case .metric(let other) = gate.bound { used.append(other.window) }
            if used.contains(.steady), windows.steady.isEmpty {
                problem(
                    mark, "the load has no steady part: it ends with its last ramp",
                    "a hold after the ramp, or @all or @stage(NAME)", page: "docs/gates.md#windows")
            }
            if used.contains(.warmup), windows.warmup.isEmpty {
                problem(
                    mark, "the load has no warm-up: it begins without a ramp",
                    "a ramp before, or another window", page: "docs/gates.md#windows")
            }
            guard case .quantile(let quantile) = gate.aggregate,
                catalog.metric(gate.metric)?.kind == .samples
            else { continue }
            let needed = gate.minimumCount ?? Int((10 / (1 - quantile)).rounded())
            if turns < needed {
                warning(
                    mark,
                    "\(gate.aggregate.text) needs \(needed) samples; the whole run makes about \(turns) turns",
                    "a longer load, or min_n=: with fewer samples the gate is inconclusive",
                    page: "docs/gates.md#samples")
            }
        }
    }

    mutating func checkTimeline(_ timeline: TimelinePlan, plan: ArrivalPlan, call: CallEstimate) {
        let injects = timeline.occurrences.filter {
            if case .inject = scenario.timeline[$0.event].action { true } else { false }
        }
        let page = "\(Self.page)#timeline"
        if let first = injects.first {
            let turns = ScenarioCheck.turns(plan, call, until: first.start.earliest)
            if turns < ScenarioCheck.baselineTurns {
                problem(
                    scenario.places.timeline[first.event],
                    "about \(turns) turns come before the first fault (\(first.id)): there is no baseline to compare with",
                    "at least \(ScenarioCheck.baselineTurns) turns before it", page: page)
            }
        }
        for occurrence in timeline.occurrences {
            let mark = scenario.places.timeline[occurrence.event]
            let event = scenario.timeline[occurrence.event]
            guard case .inject(let name, _) = event.action else {
                if occurrence.start.latest > plan.duration {
                    problem(
                        mark,
                        "\(occurrence.id) may come at \(text(occurrence.start.latest)), after the load",
                        "a time before \(text(plan.duration)), when the load ends", page: page)
                }
                continue
            }
            let recovery =
                FaultDescriptor.named(name, on: event.scope.on, among: catalog.faults)?.recovery
                ?? .zero
            checkLinks(event, mark)
            let end = occurrence.end.latest
            if end + recovery > plan.duration {
                problem(
                    mark,
                    "\(occurrence.id) may last until \(text(end)); \(text(recovery)) to recover do not fit before the load ends",
                    "an end by \(text(max(.zero, plan.duration - recovery))), or a longer load",
                    page: page)
            }
        }
    }

    /// A link needs both ends of its arrow to be this run's affair.
    private mutating func checkLinks(_ event: TimelineEvent, _ mark: YAMLMark) {
        guard case .url(let url) = scenario.target else { return }
        let page = "\(Self.page)#timeline"
        for target in event.scope.on where target.utf8.contains(UInt8(ascii: ">")) {
            if !target.hasPrefix("callers") {
                problem(
                    mark,
                    "\(event.id): the agent at \(url) was not started by this run, which puts no link on \(target)",
                    "callers->agent, or a target that the run starts", page: page)
            } else if !url.hasPrefix("ws://") {
                problem(
                    mark, "\(event.id): a link on \(target) cannot stand before \(url)",
                    "a target with ws://, whose name no certificate has to match", page: page)
            }
        }
    }

    /// An endpointing shorter than a pause inside an utterance cuts callers off, and the run then measures that.
    mutating func checkEndpointing(default standard: Duration?) {
        guard case .embedded = scenario.target,
            let endpointing = scenario.agent.endpointing ?? standard
        else { return }
        let used = scenario.conversation.clips(of: scenario.audio.clips)
        let longest = ClipSelection.longestInnerPause(of: used)
        guard longest >= endpointing,
            let clip = used.first(where: { clip in
                clip.innerPauses.contains { $0.upperBound - $0.lowerBound == longest }
            })
        else { return }
        problem(
            scenario.agent.endpointing == nil ? scenario.places.audio : scenario.places.agent,
            "the clip \(clip.id) pauses for \(text(longest)), and the agent takes its turn after \(text(endpointing)) of silence",
            "an endpointing above \(text(longest)), or other clips", "#agent")
    }

    /// A turn that expects an intent must be understood as that intent, or its expectation can never come true.
    mutating func checkIntents() {
        let script = scenario.conversation
        let mark = YAMLMark(
            file: scenario.conversationFile ?? scenario.places.file, line: 0, column: 0)
        for turn in script.turns {
            guard case .intent(let name)? = turn.expect else { continue }
            for clip in scenario.audio.clips where turn.clips.includes(clip) {
                let found = script.languageModel.recognise(clip.transcript)
                    .map { script.languageModel.intents[$0.intent].name }
                guard found != name else { continue }
                warning(
                    mark,
                    "\"\(clip.transcript)\" (\(clip.id)) is understood as \(found ?? "nothing"), not as \(name)",
                    "a pattern of \(name) that fits, before the others",
                    page: LanguageModelReader.page)
            }
        }
    }

    private func text(_ duration: Duration) -> String { DurationText.exact(duration) }

    private mutating func problem(
        _ mark: YAMLMark, _ reason: String, _ allowed: String, _ anchor: String = "",
        page: String? = nil
    ) {
        problems.append(
            FileProblem(
                mark: mark, reason: reason, allowed: allowed, page: page ?? Self.page + anchor))
    }

    private mutating func warning(
        _ mark: YAMLMark, _ reason: String, _ allowed: String, _ anchor: String = "",
        page: String? = nil
    ) {
        warnings.append(
            FileProblem(
                mark: mark, reason: reason, allowed: allowed, page: page ?? Self.page + anchor))
    }
}

extension ConversationScript {
    /// The clips of a corpus that some call may speak.
    func clips(of corpus: [ClipDescription]) -> [ClipDescription] {
        let choices = clipChoices
        return corpus.filter { clip in choices.contains { $0.includes(clip) } }
    }

    /// Every turn of every step, in order.
    var turns: [Turn] {
        steps.flatMap(\.turns)
    }
}

extension ConversationScript.Step {
    var turns: [ConversationScript.Turn] {
        switch self {
        case .say(let turn): [turn]
        case .pool(_, let turns): turns
        case .only(_, let step): step.turns
        case .wait, .digits, .show, .hangUp: []
        }
    }
}

extension ConversationScript.ClipChoice {
    /// Whether some call may choose this clip.
    func includes(_ clip: ClipDescription) -> Bool {
        switch self {
        case .any(let kind): clip.kind == kind
        case .named(let names): names.contains(clip.id) || names.contains(clip.words)
        }
    }
}
