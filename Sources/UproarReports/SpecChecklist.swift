import UproarCore
import UproarStatistics

/// The final checklist of the voice agent's guides, line by line, as far as this run tried it. A line is PASS only when the run
/// really exercised it and saw it hold; what was not tried is NOT TESTED, never PASS.
struct SpecChecklist {
    enum Mark: String {
        case pass = "PASS"
        case fail = "FAIL"
        case untested = "NOT TESTED"
    }

    struct Line {
        var name: String
        var mark: Mark
        /// How it is tested.
        var method: String
        /// What was seen, or what is missing.
        var evidence: String
    }

    let result: RunResult

    init(_ result: RunResult) { self.result = result }

    var lines: [Line] {
        let lines = [
            latency, cost, channel("browser", "Browser channel"), channel("phone", "Phone channel"),
            channel("screen_share", "Screen share"), sessions, monitoring, alerting, failover,
            compliance("GDPR"), compliance("CCPA"),
        ]
        guard result.validity.state == .invalid else { return lines }
        // What an invalid run saw is no evidence, for or against.
        return lines.map { line in
            guard line.mark != .untested else { return line }
            var line = line
            line.mark = .untested
            line.evidence = "the run is invalid; it saw: \(line.evidence)"
            return line
        }
    }

    // MARK: Lines

    private func observed(_ aggregate: GateRule.Aggregate, _ metric: String, _ limit: Double)
        -> GateResult?
    {
        guard let descriptor = MetricCatalog.named(metric) else { return nil }
        let window: GateRule.Window =
            result.windows.contains { $0.kind == .steady } ? .steady : .all
        let rule = GateRule(
            metric: metric, window: window, aggregate: aggregate, comparison: .lessOrEqual,
            bound: .value(.init(limit, aggregate.dimension(of: descriptor))), text: "")
        return GateEvaluator(result.source).evaluate(rule)
    }

    private func mark(_ judged: GateResult?) -> (mark: Mark, evidence: String) {
        guard let judged, let seen = judged.observed else { return (.untested, "no data") }
        let text = seen.text(judged.dimension) + ", " + RunDigest.evidence(of: judged)
        switch judged.outcome {
        case .passed: return (.pass, text)
        case .failed: return (.fail, text)
        case .inconclusive: return (.untested, text)
        }
    }

    private var latency: Line {
        let (mark, evidence) = mark(observed(.quantile(0.95), "voice_to_voice", 800e6))
        return Line(
            name: "P95 latency", mark: mark,
            method: "voice to voice, heard, in steady state: p95 below 800 ms", evidence: evidence)
    }

    private var cost: Line {
        let (mark, evidence) = mark(observed(.mean, "cost_per_minute", 0.07))
        return Line(
            name: "Cost per minute", mark: mark,
            method: "usage seen by the providers × \(result.priceBook): at most $0.07",
            evidence: evidence)
    }

    private func channel(_ tag: String, _ name: String) -> Line {
        let selector = [GateRule.Condition("channel", .equals, tag)]
        let calls = result.recorder.merged("calls_completed", selector)
        let answered = result.recorder.merged("turns_answered", selector)
        let lost = result.recorder.merged("turns_lost", selector).events
        var line = Line(
            name: name, mark: .untested,
            method: "calls of this channel complete and lose no turn",
            evidence: "no call of this channel in the run")
        guard calls.occasions > 0 else { return line }
        line.evidence =
            "\(calls.events) of \(calls.occasions) calls completed, \(answered.events) turns answered, \(lost) lost"
        if let transport = transport(selector) { line.evidence += "; over \(transport)" }
        // Calls in which nobody said anything are no evidence of how turns are answered.
        guard answered.occasions > 0 || calls.events < calls.occasions else { return line }
        let isWhole = calls.events == calls.occasions && lost == 0 && answered.events > 0
        line.mark = isWhole ? .pass : .fail
        return line
    }

    /// The guides' browser is WebRTC and their phone a media stream: the reader must see which way the calls came.
    private func transport(_ selector: [GateRule.Condition]) -> String? {
        for key in result.recorder.series.keys
        where key.metric == "calls_completed" && key.tags.match(selector) {
            if let name = key.tags["transport"] { return name }
        }
        return nil
    }

    private func effective(_ kinds: [String], on targets: [String]) -> [RunResult.FaultRecord] {
        result.faults.filter { fault in
            fault.effects > 0 && kinds.contains { fault.kind.contains($0) }
                && targets.contains { fault.target.contains($0) }
        }
    }

    private var sessions: Line {
        let kills = effective(["kill", "crash", "restart"], on: ["agent"])
        var line = Line(
            name: "Session persistence", mark: .untested,
            method:
                "a worker is killed while callers talk; their tasks are in the store all the same",
            evidence: "no worker was killed in this run")
        guard let kill = kills.first else { return line }
        let ledger = result.ledger
        line.evidence =
            "\(kill.id): tasks completed \(ledger.tasksPassed) of \(ledger.tasksChecked)"
        if ledger.tasksChecked == 0 { return line }
        line.mark = ledger.tasksPassed == ledger.tasksChecked ? .pass : .fail
        return line
    }

    private var monitoring: Line {
        let claims = result.recorder.merged("claim_gap").samples
        return Line(
            name: "Monitoring active", mark: claims.isEmpty ? .untested : .pass,
            method: "the agent's own figures are read beside what was heard",
            evidence: claims.isEmpty
                ? "the agent's metrics were not read in this run"
                : "\(RunDigest.many(Int(claims.count), "turn")) with a claim, median gap "
                    + (claims.quantile(0.5)?.text(.time) ?? "–"))
    }

    private var alerting: Line {
        let pages = result.recorder.merged("pages_sent").events
        let fired = (result.alerts ?? []).filter { $0.at != nil }.map(\.name)
        var seen =
            pages > 0
            ? "\(RunDigest.many(Int(pages), "page")) reached the pager"
            : "no page reached the pager in this run"
        if !fired.isEmpty {
            seen +=
                "; the shipped rules fired on the agent's figures: "
                + fired.joined(separator: ", ")
        }
        return Line(
            name: "Alerting active", mark: pages > 0 ? .pass : .untested,
            method: "an alert arrives at its receiver", evidence: seen)
    }

    private var failover: Line {
        let outages = effective([""], on: ["deepgram"])
        var line = Line(
            name: "Failover tested", mark: .untested,
            method:
                "Deepgram fails; another recogniser serves the turns in its window, none is lost",
            evidence: "Deepgram did not fail in this run")
        guard let outage = outages.first else { return line }
        let window = GateRule.Window.fault(outage.id, from: nil, to: nil)
        guard let ranges = result.windows.ranges(of: window) else {
            line.evidence = "\(outage.id) has no window"
            return line
        }
        var served: [String] = []
        var others: UInt64 = 0
        for provider in ProviderID.allCases where provider.role == .speechToText {
            let count = result.recorder.merged(
                "stt", [.init("provider", .equals, provider.name)], in: ranges
            ).samples.count
            guard count > 0 else { continue }
            served.append("\(provider.name) \(count)")
            if provider != .deepgram { others += count }
        }
        let lost = result.recorder.merged("turns_lost", in: ranges).events
        line.evidence =
            "\(outage.id): turns served by \(served.isEmpty ? "nobody" : served.joined(separator: ", ")); \(lost) lost"
        line.mark = others > 0 && lost == 0 ? .pass : .fail
        return line
    }

    /// What is documented a person knows, not a run: it can only find that what was written down is not what happened.
    private func compliance(_ law: String) -> Line {
        let kept = result.recorder.merged("recordings_kept")
        let wrong = ["recordings_damaged", "recordings_orphaned"].reduce(UInt64(0)) {
            $0 + result.recorder.merged($1).events
        }
        let isOptIn = result.scenario.resolved["agent"]?["recording_consent"]?.text == "opt_in"
        var line = Line(
            name: "Compliance documented, \(law)", mark: .untested,
            method:
                "consent, retention, erasure and transfer are written down; recordings are as promised",
            evidence: "nothing was recorded in this run; a person decides the rest")
        guard kept.occasions > 0 else { return line }
        line.evidence =
            "\(kept.events) of \(kept.occasions) recordings kept as promised, \(wrong) damaged or without a call; "
            + (isOptIn ? "consent by opt-in" : "consent implied")
        if wrong > 0 {
            line.mark = .fail
        } else if law == "GDPR", !isOptIn {
            line.evidence += ": legal decision needed"
        } else {
            line.evidence += "; a person decides the rest"
        }
        return line
    }
}
