import UproarCore

/// Reads a scenario and the files it names, and reports everything wrong with them at once.
package struct ScenarioReader {
    let reading: Reading
    let files: ScenarioFiles
    let catalog: ScenarioCatalog

    static let keys = [
        "name", "summary", "include", "seed", "target", "transport", "channels", "conversation",
        "audio",
        "load", "callers", "call_length", "patience", "redial", "on_drop", "resumption",
        "call_setup_limit",
        "drain",
        "providers", "agent",
        "prices", "tagging", "recording", "links", "timeline", "gates", "safety",
        "breakers", "alerts",
    ]
    static let defaultPrices = ["prices/guides-2025.yaml", "scenarios/prices/guides-2025.yaml"]
    /// What a run is held to when its scenario names no gates. The third keeps a run in which nobody ever spoke from passing, the last
    /// one in which the agent only sent back what it heard, or never let its callers finish.
    static let defaultGates = [
        "turns_lost: count <= 0", "calls_dropped: count <= 0", "turns_answered: count >= 1",
        "talk_over: rate <= 75% why='it speaks before its callers have ended, as an echo does'",
    ]

    /// - file: as the person named it; places in messages begin with it.
    /// - overrides: texts of `--set`, in order.
    package static func read(
        _ bytes: [UInt8], file: String, overrides: [String] = [], files: ScenarioFiles,
        catalog: ScenarioCatalog
    ) throws(FileProblems) -> Scenario {
        let reader = ScenarioReader(
            reading: Reading(file: file), files: files, catalog: catalog)
        let scenario = reader.scenario(bytes, file, overrides)
        let problems = reader.reading.sortedProblems
        guard let scenario, problems.isEmpty else { throw FileProblems(problems) }
        return scenario
    }

    private func scenario(_ bytes: [UInt8], _ file: String, _ overrides: [String]) -> Scenario? {
        let includes = ScenarioIncludes(reading: reading, files: files)
        guard var root = includes.document(bytes, file: file) else { return nil }
        for text in overrides {
            do throws(FileProblem) {
                let change: ScenarioOverride
                do { change = try ScenarioOverride(text) } catch {
                    for problem in error.problems { reading.report(problem) }
                    continue
                }
                root = try change.applied(to: root)
            } catch { reading.report(error) }
        }
        guard
            let map = MapReader(
                reading, root, path: "", keys: Self.keys, page: "docs/scenario.md#keys")
        else { return nil }
        return scenario(map, file)
    }

    private func scenario(_ map: MapReader, _ file: String) -> Scenario? {
        let name = map.required("name", "a name for reports", Self.name)
        let transport = transport(map)
        let target = target(map, transport)
        let channels = channels(map, transport)
        let (load, lines) = load(map)
        var (conversation, conversationFile, clipNames) = conversation(map)
        let callLength = callLength(map)
        if callLength != nil { conversation?.goOn() }
        let audio = audio(map)
        if let conversation, case .corpora(let corpora)? = audio {
            checkClips(conversation, corpora, clipNames)
        }
        let providers = providers(map.node("providers"), target)
        let (prices, pricesFile) = prices(map, file)
        let events = TimelineReader(reading: reading, catalog: catalog).read(map.node("timeline"))
        let timeline = events.map(\.event)
        let stages = lines.map(\.name)
        let gates = gates(
            map, stages: stages, faults: timeline.map(\.id),
            transports: channels.map(\.transport))
        let isTagging = tagging(map, target, providers)
        if map.node("resumption") != nil { checkResumption(map, target, providers, isTagging) }
        var agent = AgentSettings()
        if let node = map.node("agent") { agent = self.agent(node) }
        guard let name, let transport, let target, let conversation, let audio, let prices,
            !load.isEmpty
        else { return nil }
        let callers = callers(map)
        return Scenario(
            name: name, summary: map.value("summary", ScalarText.text) ?? "",
            seed: map.value("seed", ScalarText.seed), target: target,
            streamURL: streamURL(map, target),
            transport: transport.name,
            browserURL: browserURL(map, target, channels), channels: channels,
            conversation: conversation,
            conversationFile: conversationFile, audio: audio, load: load, callers: callers,
            patience: map.value("patience", ScalarText.positiveDuration) ?? .seconds(10),
            redial: map.value("redial", ScalarText.duration) ?? .seconds(1),
            onDrop: map.value("on_drop", Self.onDrop) ?? [],
            resumption: map.value("resumption", Self.resumption),
            callSetupLimit: map.value("call_setup_limit", ScalarText.positiveDuration)
                ?? .seconds(10),
            drain: map.value("drain", ScalarText.duration) ?? .seconds(30),
            providers: providers, agent: agent, prices: prices, pricesFile: pricesFile,
            isTagging: isTagging,
            isRecording: map.value("recording", ScalarText.isOn) ?? false,
            links: map.value("links", Self.links) ?? .asNeeded, timeline: timeline, gates: gates,
            safety: safety(map), breakers: breakers(map), alerts: alerts(map),
            callLength: callLength, agentCores: agentCores(map),
            places: .init(
                file: file, audio: map.mark("audio"), load: map.mark("load"),
                target: map.mark("target"), agent: map.mark("agent"),
                timeline: events.map(\.mark),
                gates: map.node("gates")?.list?.map(\.mark) ?? []))
    }

    /// It names a folder, so it is a word.
    private static func name(_ text: String) throws(TextProblem) -> String {
        guard !text.isEmpty, text.utf8.count <= 80, text.utf8.allSatisfy(TextScanner.isWordByte)
        else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no name",
                allowed: "up to 80 letters, digits, - and _, such as deepgram-outage")
        }
        return text
    }

    /// `hang_up`, or `redial 1s, 2s, 4s`.
    private static func onDrop(_ text: String) throws(TextProblem) -> [Duration] {
        if text == "hang_up" { return [] }
        var scanner = TextScanner(text)
        guard scanner.takeWord("redial") else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is nothing a caller does",
                allowed: "hang_up, or redial with its waits, such as redial 1s, 2s, 4s")
        }
        do { return try ScalarText.durations(scanner.rest) } catch {
            throw error.shifted(by: scanner.offset)
        }
    }

    /// Only emulated voices of the run's own can listen for the words.
    private func checkResumption(
        _ map: MapReader, _ target: Scenario.Target?, _ providers: ProviderSettings,
        _ isTagging: Bool
    ) {
        var isAttached = false
        if case .attach = providers.place { isAttached = true }
        if case .embedded? = target {
            reading.report(
                map.mark("resumption"), "the reference agent's words are its own setting",
                allowed: "agent: {resumption: …}", page: "docs/scenario.md#keys")
        } else if isAttached || !isTagging {
            reading.report(
                map.mark("resumption"),
                isAttached
                    ? "emulators that run already are not told of it"
                    : "nobody listens for it while tagging is off",
                allowed: "emulators of the run's own, with tagging on",
                page: "docs/scenario.md#keys")
        }
    }

    /// Words that a voice speaks in one go.
    private static func resumption(_ text: String) throws(TextProblem) -> String {
        guard UtterancePattern.words(of: text).count > 1 else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" may begin any answer",
                allowed:
                    "two words or more that the agent begins with when it goes on, such as I'm back"
            )
        }
        return text
    }

    private static func links(_ text: String) throws(TextProblem) -> Scenario.Links {
        try ScalarText.word(
            text, of: [("as_needed", .asNeeded), ("all", .all)], what: "choice of links")
    }

    private func transport(_ map: MapReader) -> TransportDescriptor? {
        let all = catalog.transports.map { ($0.name, $0) }
        guard map.node("transport") != nil else {
            precondition(!all.isEmpty, "a catalog without transports")
            return all[0].1
        }
        return map.value("transport") { text throws(TextProblem) in
            try ScalarText.word(text, of: all, what: "transport")
        }
    }

    private func channels(_ map: MapReader, _ transport: TransportDescriptor?)
        -> [Scenario.ChannelShare]
    {
        let own = transport ?? catalog.transports[0]
        /// The scenario's own transport where it carries the channel, else the first that does.
        func carrier(_ channel: Scenario.Channel) -> String {
            let all = [own] + catalog.transports
            return all.first { $0.channels.contains(channel.rawValue) }?.name ?? own.name
        }
        let first = own.channels.compactMap { Scenario.Channel(rawValue: $0) }.first ?? .phone
        let phone = Scenario.ChannelShare(channel: first, share: .always, transport: own.name)
        let names = Scenario.Channel.allCases.map(\.rawValue)
        guard let shares = map.map("channels", keys: names), let entries = shares.node.map else {
            return [phone]
        }
        var channels: [Scenario.ChannelShare] = []
        // Shares are compared as millionths, which every written percentage with four places is.
        var sum: UInt64 = 0
        for entry in entries {
            guard let channel = Scenario.Channel(rawValue: entry.key),
                let share = shares.value(entry.key, ScalarText.chance)
            else { continue }
            sum += share.numerator * 1_000_000 / share.denominator
            channels.append(.init(channel: channel, share: share, transport: carrier(channel)))
        }
        if channels.count == entries.count, !(999_990...1_000_000).contains(sum) {
            reading.report(
                shares.node.mark,
                "the channels' shares add up to \(NumberText.fixed(Double(sum) / 1e4, 2))%",
                allowed: "shares that add up to 100%", page: "docs/scenario.md#channels")
        }
        return channels.isEmpty ? [phone] : channels
    }

    /// Latencies and costs of different transports are never one distribution unless somebody asks for it.
    private static func keepApart(
        _ rule: GateRule, _ transports: [String], _ metrics: [MetricDescriptor]
    ) throws(TextProblem) {
        let isMixed = transports.contains { $0 != transports[0] }
        let isDistribution = metrics.contains { $0.name == rule.metric && $0.isOfOneChannel }
        let isChosen = rule.selector.contains { ["channel", "transport"].contains($0.key) }
        guard isMixed, isDistribution, !isChosen else { return }
        throw TextProblem(
            offset: 0,
            reason: "\(rule.metric) of this run is measured over several transports",
            allowed: "{channel=phone}, {channel=browser}, …, or {channel=*} for all in one")
    }

    private func gates(
        _ map: MapReader, stages: [String], faults: [String], transports: [String]
    ) -> [GateRule] {
        let page = "docs/gates.md"
        let names = GateParser.Names(metrics: catalog.metrics, stages: stages, faults: faults)
        guard let node = map.node("gates") else {
            return Self.defaultGates.compactMap { try? GateParser.parse($0, names: names) }
        }
        guard let items = reading.list(node, path: "gates", page: page, of: "rules") else {
            return []
        }
        if items.isEmpty {
            reading.report(
                node.mark, "no gate stands in the list",
                allowed: "at least one rule, or no gates: at all for the default ones", page: page)
        }
        var places: [(rule: GateRule, line: Int)] = []
        return items.compactMap { item in
            if item.map != nil {
                reading.report(
                    item.mark, "this rule reads as a map",
                    allowed: "a rule in quotes, such as \"voice_to_voice: p95 < 800ms\"",
                    page: page)
                return nil
            }
            return reading.value(item, path: "gate", page: page) { text throws(TextProblem) in
                let rule = try GateParser.parse(text, names: names)
                try Self.keepApart(rule, transports, catalog.metrics)
                var same = rule
                same.text = ""
                if let first = places.first(where: { $0.rule == same }) {
                    throw TextProblem(
                        offset: 0, reason: "the same gate stands on line \(first.line)",
                        allowed: "each gate once")
                }
                places.append((same, item.mark.line))
                return rule
            }
        }
    }
}
