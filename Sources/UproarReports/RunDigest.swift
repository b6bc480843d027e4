import UproarCore
import UproarStatistics

/// What every report says, computed once: the rows and sentences that the terminal, Markdown and HTML lay out each in its way.
struct RunDigest {
    let result: RunResult

    /// The channels of a run over several transports, the busiest first; empty where there is one transport: latencies of different
    /// transports are never one distribution.
    let channels: [String]

    /// What somebody did to the run while it went on, each with its time: `at 12.3s: inject …`.
    var byHand: [String] {
        let mark = "by hand: "
        return result.outcome.reasons.filter { $0.hasPrefix(mark) }.map {
            String($0.dropFirst(mark.count))
        }
    }

    init(_ result: RunResult) {
        self.result = result
        channels = Self.channels(of: result.recorder)
    }

    private static func channels(of recorder: IntervalRecorder) -> [String] {
        var transports = OrderedTable<String, Bool>()
        var channels = OrderedTable<String, Bool>()
        for key in recorder.series.keys {
            if let transport = key.tags["transport"] { transports[transport] = true }
            if let channel = key.tags["channel"] { channels[channel] = true }
        }
        guard transports.count > 1 else { return [] }
        func turns(_ channel: String) -> UInt64 {
            recorder.merged("voice_to_voice", [.init("channel", .equals, channel)]).samples.count
        }
        return channels.keys.map { ($0, turns($0)) }
            .sorted { $0.1 != $1.1 ? $0.1 > $1.1 : $0.0 < $1.0 }.map(\.0)
    }

    /// Whose latencies a single figure or chart shows: the busiest channel's, or everybody's where there is one transport.
    var main: [GateRule.Condition] {
        channels.first.map { [.init("channel", .equals, $0)] } ?? []
    }

    /// ` (phone)` behind what shows the busiest channel alone.
    var mainNote: String { channels.first.map { " (\($0))" } ?? "" }

    // MARK: Latency

    struct LatencyRow {
        var name: String
        var metric: String
        /// What it is measured from and to, in a few words.
        var meaning: String
        var samples: SignedHistogram
        /// The same from the actual instead of the intended start, where the two can differ.
        var actual: SignedHistogram?
    }

    /// The rows of the LATENCY block that have samples: one for each channel where there are several transports.
    var latency: [LatencyRow] {
        func row(_ name: String, _ metric: String, _ meaning: String, actual: String? = nil)
            -> [LatencyRow]
        {
            let selectors: [[GateRule.Condition]] =
                channels.isEmpty ? [[]] : channels.map { [.init("channel", .equals, $0)] }
            return selectors.compactMap { selector in
                let samples = result.recorder.merged(metric, selector).samples
                guard !samples.isEmpty else { return nil }
                // Two words would not leave room for the figures.
                let channel = selector.first.map {
                    " " + ($0.value == "screen_share" ? "screen" : $0.value)
                }
                return LatencyRow(
                    name: name + (channel ?? ""), metric: metric, meaning: meaning,
                    samples: samples,
                    actual: actual.map { result.recorder.merged($0, selector).samples }
                        .flatMap { $0.isEmpty ? nil : $0 })
            }
        }
        return [
            row("setup", "call_setup", "due to answered", actual: "call_setup_actual"),
            row("greeting", "greeting", "answered to the first audible sample"),
            row(
                "turn", "voice_to_voice", "caller's end to the first audible sample",
                actual: "voice_to_voice_actual"),
            row("answer", "voice_to_answer", "caller's end to the reply itself"),
            row("barge-in", "barge_in_stop", "interruption to the agent's last audible sample"),
            row("dead air", "dead_air", "longest silence while a reply is owed"),
        ].flatMap { $0 }
    }

    /// Of the busiest channel where there are several transports.
    func figure(_ metric: String, _ q: Double) -> Figure? {
        result.recorder.merged(metric, main).samples.quantile(q)
    }

    /// Samples behind `figure`.
    func count(_ metric: String) -> UInt64 { result.recorder.merged(metric, main).samples.count }

    /// What a call and its minute cost, by channel; empty where there is one transport.
    var costByChannel: [(channel: String, perCall: Double, perMinute: Double?)] {
        channels.compactMap { channel in
            let selector = [GateRule.Condition("channel", .equals, channel)]
            let calls = result.recorder.merged("cost_per_call", selector)
            guard let mean = calls.samples.mean else { return nil }
            let minutes = result.recorder.merged("cost_per_minute", selector)
            return (
                channel, mean.value / 1e9,
                minutes.denominator > 0
                    ? Double(minutes.numerator) * 60 / Double(minutes.denominator) : nil
            )
        }
    }

    /// `deepgram latency lognormal(…)`: so that nobody reads our emulators as their vendor.
    var presets: [String] {
        result.providers.map {
            "\($0.id.name) \($0.isEmulated ? "" : "(real) ")\($0.preset)"
        }
    }

    /// Why there is no cost: something was used that nobody could count, or that has no price; else an agent of one's own most often
    /// still has its vendors' addresses in it.
    var costUnknown: String {
        let unknown = result.cost.lines.filter { $0.nanoDollars == nil }
        func names(_ lines: [CostTally.Line]) -> String {
            lines.map(\.provider.name).joined(separator: " and ")
        }
        let uncounted = unknown.filter { $0.usage.uncounted > 0 }
        if !uncounted.isEmpty {
            return "unknown: what \(names(uncounted)) is paid for could not be counted"
        }
        if !unknown.isEmpty {
            return "unknown: the prices have none for what was used of \(names(unknown))"
        }
        return result.target.hasPrefix("command")
            ? "unknown: the agent called none of the run's providers, whose addresses its environment holds"
            : "unknown: no provider's usage was seen"
    }

    // MARK: Stages

    struct StageRow {
        var stage: Stage
        var samples: SignedHistogram
    }

    var stages: [StageRow] {
        Stage.allCases.compactMap { stage in
            let samples = result.recorder.merged(stage.rawValue, main).samples
            return samples.isEmpty ? nil : StageRow(stage: stage, samples: samples)
        }
    }

    // MARK: Ledger

    struct Count {
        var name: String
        var count: UInt64
        /// False for counts that are fine at any number.
        var isBad: Bool
    }

    /// Whether turns carried references: without them nobody knows which reply belongs to which turn.
    var hasReferences: Bool { result.scenario.resolved["tagging"]?.isTrue != false }

    /// What only references tell is left out where there were none: it is unknown, not zero.
    var turnCounts: [Count] {
        let turns = result.ledger.turns
        let unknown =
            hasReferences ? [] : ["duplicated", "stale", "truncated", "cross-talked"]
        return [
            Count(name: "answered", count: turns.answered, isBad: false),
            Count(name: "late", count: turns.late, isBad: true),
            Count(name: "lost", count: turns.lost, isBad: true),
            Count(name: "duplicated", count: turns.duplicated, isBad: true),
            Count(name: "stale", count: turns.stale, isBad: true),
            Count(name: "truncated", count: turns.truncated, isBad: true),
            Count(name: "cross-talked", count: turns.crossTalked, isBad: true),
            Count(name: "interrupted", count: turns.interrupted, isBad: false),
        ].filter { !unknown.contains($0.name) }
    }

    var callCounts: [Count] {
        let calls = result.ledger.calls
        return [
            Count(name: "offered", count: calls.due, isBad: false),
            Count(name: "started", count: calls.dialed, isBad: false),
            Count(name: "answered", count: calls.answered, isBad: false),
            Count(name: "completed", count: calls.completed, isBad: false),
            Count(name: "abandoned", count: calls.abandoned, isBad: true),
            Count(name: "dropped", count: calls.dropped, isBad: true),
            Count(name: "refused", count: calls.refused, isBad: true),
            Count(name: "not started", count: calls.notStarted, isBad: true),
            Count(name: "cut by the run", count: calls.cutByRun, isBad: false),
        ]
    }

    func words(of remark: RunResult.Remark) -> String {
        "\(NumberText.grouped(remark.calls)) \(remark.calls == 1 ? "call" : "calls"): \(remark.text)"
    }

    var bargeInCounts: [Count] {
        BargeInRecord.Outcome.allCases.compactMap { outcome in
            let count = result.ledger[outcome]
            guard count > 0 else { return nil }
            let isBad = [.late, .missed, .false].contains(outcome)
            return Count(name: outcome.rawValue, count: count, isBad: isBad)
        }
    }

    /// Share of the turns owed that met every limit; nil when none was owed.
    var goodput: Double? {
        let turns = result.ledger.turns
        return turns.owed == 0 ? nil : Double(turns.good) / Double(turns.owed)
    }

    var taskShare: Double? {
        result.ledger.tasksChecked == 0
            ? nil : Double(result.ledger.tasksPassed) / Double(result.ledger.tasksChecked)
    }

    // MARK: Machine

    /// Mean cores by group over steady state, or over the run when there is none.
    var meanCores: [(group: CPUGroup, cores: Double)] {
        let samples = steadySamples
        return CPUGroup.allCases.compactMap { group in
            var cores = 0.0
            var seconds = 0.0
            for sample in samples {
                guard let used = sample[group] else { continue }
                cores += used * sample.length.inSeconds
                seconds += sample.length.inSeconds
            }
            return seconds > 0 ? (group, cores / seconds) : nil
        }
    }

    private var steadySamples: [GeneratorSample] {
        let samples = result.validity.log.samples
        let steady = result.windows.filter { $0.kind == .steady }
        let inside = samples.filter { sample in
            steady.contains { $0.from <= sample.at && sample.at < $0.to }
        }
        return inside.isEmpty ? samples : inside
    }

    var drops: Int { result.validity.log.samples.reduce(0) { $0 + $1.drops } }

    struct FootprintRow {
        var name: String
        var measured: GateRule.Quantity
        var guide: GateRule.Quantity
    }

    /// What a call costs the agent's machine, beside what the guides plan with.
    var footprint: [FootprintRow] {
        let guide = AgentFootprint.guide
        func row(
            _ name: String, _ metric: String, _ dimension: MetricDescriptor.Dimension,
            _ plan: Double?
        ) -> FootprintRow? {
            guard let plan else { return nil }
            for (key, value) in zip(result.recorder.values.keys, result.recorder.values.values)
            where key.metric == metric {
                return FootprintRow(
                    name: name, measured: .init(value, dimension), guide: .init(plan, dimension))
            }
            return nil
        }
        return [
            row("CPU", "agent_cpu_per_call", .cores, guide.cores),
            row("memory", "agent_memory_per_call", .bytes, guide.bytes),
            row("network", "agent_kbps_per_call", .bitrate, guide.bitsPerSecond),
        ].compactMap { $0 }
    }

    // MARK: Words

    /// Why a run failed beside its gates: an alert that did not fire, a later round that was not as the first.
    var otherFailures: [String] {
        guard result.outcome.word == .failed else { return [] }
        let hasFailedGate = result.gates.contains { $0.decides && $0.outcome == .failed }
        return result.outcome.reasons.filter { !hasFailedGate || $0.hasPrefix("alert ") }
    }

    /// `PASSED (exit 0)`.
    var verdict: String {
        "\(result.outcome.word.rawValue.uppercased()) (exit \(result.outcome.exitCode.rawValue))"
    }

    var duration: String { Self.clock(result.load.duration) }

    /// `8m00s`, `55s`: times of the run, to the second.
    static func clock(_ duration: Duration) -> String {
        let seconds = Int((duration.inSeconds).rounded())
        if seconds < 60 {
            return duration < .seconds(10)
                ? NumberText.fixed(duration.inSeconds, 1) + "s" : "\(seconds)s"
        }
        if seconds < 3600 { return "\(seconds / 60)m" + NumberText.padded(seconds % 60, 2) + "s" }
        return "\(seconds / 3600)h" + NumberText.padded(seconds / 60 % 60, 2) + "m"
    }

    static func clock(_ instant: Instant) -> String { clock(instant - Instant.zero) }

    /// `1 turn`, `4,812 turns`.
    static func many(_ count: Int, _ thing: String) -> String {
        "\(NumberText.grouped(count)) \(thing)\(count == 1 ? "" : "s")"
    }

    static func percent(_ share: Double) -> String {
        // 99.96 % is not 100 %.
        let text = NumberText.fixed(share * 100, 1)
        return (text == "100.0" && share < 1 ? ">99.9" : text) + "%"
    }

    /// `36 clips of task-manager by awb, rms, slt (clean)`.
    var audioSentence: String? {
        let audio = result.audio
        guard !audio.corpus.isEmpty else { return nil }
        var text = audio.corpus
        if audio.clips > 0 { text += ", \(audio.clips) clip\(audio.clips == 1 ? "" : "s")" }
        if !audio.speakers.isEmpty { text += ", voices " + audio.speakers.joined(separator: " ") }
        if !audio.variants.isEmpty { text += ", " + audio.variants.joined(separator: " ") }
        if audio.isAnnotatedByUs { text += ", speech ends by our annotation" }
        return text
    }

    /// `(−188ms, n=4,812, CI 600ms–620ms)`.
    static func evidence(of gate: GateResult) -> String {
        var parts: [String] = []
        // What keeps a gate from an answer comes first.
        if gate.outcome == .inconclusive, let reason = gate.reason { return reason }
        if let margin = gate.margin, margin != 0, gate.observed?.isCensored == false {
            let text = GateRule.Quantity(abs(margin), gate.dimension).text
            parts.append((margin < 0 ? "−" : "+") + text)
        }
        if gate.observed != nil { parts.append("n=\(NumberText.grouped(Int(gate.count)))") }
        if let interval = gate.interval, interval.low != nil || interval.high != nil {
            func end(_ value: Double?, _ open: String) -> String {
                value.map { GateRule.Quantity($0, gate.dimension).text } ?? open
            }
            parts.append("CI \(end(interval.low, "…"))–\(end(interval.high, "…"))")
        }
        if let reason = gate.reason { parts.append(reason) }
        return parts.joined(separator: ", ")
    }
}
