import UproarCore

/// Reads a conversation file (`docs/scenario.md#conversations`).
struct ConversationReader {
    let reading: Reading
    /// Where the pictures that callers show are looked for.
    private let files: ScenarioFiles
    /// Every clip a turn names, with its place: the corpus is compared with it once both are known.
    private(set) var clipNames: [(name: String, mark: YAMLMark)] = []
    /// Every intent a turn expects, with its place.
    private var intentNames: [YAMLNode] = []

    static let page = "docs/scenario.md#conversations"
    static let keys = [
        "name", "summary", "greeting", "pause", "patience", "on_silence", "turns", "pool", "repeat",
        "check", "language_model",
    ]
    static let stepKeys = [
        "say", "pause", "patience", "on_silence", "expect", "barge_in", "noise", "turns", "pool",
        "wait", "dtmf", "show", "hang_up", "channel",
    ]
    /// What a step can be, one of them.
    private static let stepKinds = ["say", "turns", "wait", "dtmf", "show", "hang_up"]
    static let bargeInKeys = ["kind", "after", "say", "then", "p"]
    static let noiseKeys = ["after", "say", "p"]

    init(_ reading: Reading, files: ScenarioFiles) {
        self.reading = reading
        self.files = files
    }

    mutating func read(_ bytes: [UInt8], file: String) -> ConversationScript? {
        guard let root = reading.document(bytes, file: file),
            let map = MapReader(reading, root, path: "", keys: Self.keys, page: Self.page)
        else { return nil }
        let name = map.required("name", "a name for reports", ScalarText.text)
        _ = map.value("summary", ScalarText.text)
        let steps = steps(map)
        var model: LanguageModelScript?
        if map.hasRequired("language_model", "what the language model says"),
            let node = map.node("language_model")
        {
            model = LanguageModelReader(reading).read(node)
        }
        let check = map.node("check").flatMap { self.check($0) }
        guard let name, let steps, let model else { return nil }
        checkIntents(model)
        var script = ConversationScript(name: name, steps: steps, languageModel: model)
        if let greeting = map.node("greeting").flatMap({ self.greeting($0) }) {
            script.greeting = greeting
        }
        if let pause = map.value("pause", Self.distribution) { script.pause = pause }
        script.patience = map.value("patience", ScalarText.positiveDuration)
        if let onSilence = map.value("on_silence", Self.onSilence) { script.onSilence = onSilence }
        if let repetition = map.value("repeat", Self.repetition) { script.repetition = repetition }
        script.check = check
        return script
    }

    static func distribution(_ text: String) throws(TextProblem) -> Distribution {
        try DistributionText.parse(text)
    }

    static func onSilence(_ text: String) throws(TextProblem) -> ConversationScript.OnSilence {
        try ScalarText.word(
            text, of: ConversationScript.OnSilence.allCases.map { ($0.rawValue, $0) },
            what: "way to go on")
    }

    private static func repetition(_ text: String) throws(TextProblem)
        -> ConversationScript.Repetition
    {
        text == "forever" ? .forever : .times(try ScalarText.integer(text, in: 1...255))
    }

    /// `expected`, `none`, or `{within: 5s}`.
    private func greeting(_ node: YAMLNode) -> ConversationScript.Greeting? {
        if node.map != nil {
            let map = MapReader(reading, node, path: "greeting", keys: ["within"], page: Self.page)
            return map?.required("within", "a duration", ScalarText.positiveDuration).map {
                .expected(within: $0)
            }
        }
        let words: [(String, ConversationScript.Greeting)] = [
            ("expected", .expected(within: .seconds(10))), ("none", .none),
        ]
        return reading.value(node, path: "greeting", page: Self.page) { text throws(TextProblem) in
            try ScalarText.word(text, of: words, what: "greeting")
        }
    }

    /// `turns: 5` with `pool:`, or `turns:` as a list of steps.
    private mutating func steps(_ map: MapReader) -> [ConversationScript.Step]? {
        guard map.hasRequired("turns", "a list of turns, or a number with a pool"),
            let node = map.node("turns")
        else { return nil }
        if node.scalar != nil { return pool(map).map { [$0] } }
        if map.node("pool") != nil {
            reading.report(
                map.mark("pool"), "a pool stands beside a list of turns",
                allowed: "turns: NUMBER with pool:, or a turn {turns: NUMBER, pool: […]}",
                page: Self.page)
        }
        guard let items = reading.list(node, path: "turns", page: Self.page, of: "turns") else {
            return nil
        }
        if items.isEmpty {
            reading.report(
                node.mark, "the conversation has no turn", allowed: "at least one", page: Self.page)
        }
        var steps: [ConversationScript.Step] = []
        for (index, item) in items.enumerated() {
            let path = "turns[\(index)]"
            guard let step = step(item, path) else { continue }
            let channels = channels(item, path)
            steps.append(channels.isEmpty ? step : .only(channels: channels, step))
        }
        return steps.isEmpty ? nil : steps
    }

    private mutating func pool(_ map: MapReader) -> ConversationScript.Step? {
        let count = map.value("turns") { text throws(TextProblem) in
            try ScalarText.integer(text, in: 1...255)
        }
        guard map.hasRequired("pool", "the turns to draw from"), let node = map.node("pool"),
            let items = reading.list(node, path: map.name("pool"), page: Self.page, of: "turns")
        else { return nil }
        var turns: [ConversationScript.Turn] = []
        for (index, item) in items.enumerated() {
            let path = "\(map.name("pool"))[\(index)]"
            // A clip id, a choice of clips, or a turn with all its settings.
            if item.map == nil || item["any"] != nil || item["any_of"] != nil {
                if let choice = choice(item, path) { turns.append(.init(clips: choice)) }
                continue
            }
            switch step(item, path) {
            case .say(let turn)?: turns.append(turn)
            case nil: break
            default:
                reading.report(
                    item.mark, "\(path) says nothing", allowed: "clip ids, or turns with say:",
                    page: Self.page)
            }
        }
        if items.isEmpty {
            reading.report(
                node.mark, "the pool is empty", allowed: "at least one turn", page: Self.page)
        }
        guard let count, !turns.isEmpty else { return nil }
        return .pool(count: count, of: turns)
    }

    /// Whose calls go through the step; empty: all.
    private func channels(_ node: YAMLNode, _ path: String) -> [String] {
        guard let channels = node["channel"] else { return [] }
        let names = Scenario.Channel.allCases.map { ($0.rawValue, $0.rawValue) }
        return reading.texts(channels, path: path + ".channel", page: Self.page).compactMap {
            reading.value($0, path: path + ".channel", page: Self.page) {
                text throws(TextProblem) in
                try ScalarText.word(text, of: names, what: "channel")
            }
        }
    }

    /// A picture, which must be there and fit a message.
    private func picture(_ node: YAMLNode, _ path: String) -> ConversationScript.Step? {
        guard let found = reading.file(node, path: path, page: Self.page, files) else { return nil }
        guard Picture(found.bytes) != nil, found.bytes.count <= Picture.byteLimit else {
            reading.report(
                node.mark, "\(path): \(found.path) is no picture that can be shown",
                allowed: "a PNG, JPEG, WebP or GIF file of at most 512 KiB", page: Self.page)
            return nil
        }
        return .show(found.path)
    }

    private mutating func step(_ node: YAMLNode, _ path: String) -> ConversationScript.Step? {
        guard let map = MapReader(reading, node, path: path, keys: Self.stepKeys, page: Self.page)
        else { return nil }
        let kinds = Self.stepKinds.filter { map.node($0) != nil }
        guard kinds.count == 1, let kind = kinds.first else {
            reading.report(
                node.mark,
                kinds.isEmpty
                    ? "\(path) does nothing"
                    : "\(path) has \(kinds.joined(separator: " and "))",
                allowed: "one of " + Self.stepKinds.joined(separator: ", "), page: Self.page)
            return nil
        }
        let own =
            kind == "say" ? Self.stepKeys : [kind, kind == "turns" ? "pool" : kind, "channel"]
        for entry in node.map ?? []
        where Self.stepKeys.contains(entry.key) && !own.contains(entry.key)
            || kind == "say" && entry.key == "pool"
        {
            reading.report(
                entry.mark, "\(path): \"\(entry.key)\" does not go with \"\(kind)\"",
                allowed: kind == "say"
                    ? "pause, patience, on_silence, expect, barge_in, noise, channel"
                    : "\(kind) alone, or with channel",
                page: Self.page)
        }
        switch kind {
        case "say": return turn(map).map { .say($0) }
        case "turns": return pool(map)
        case "wait": return map.value("wait", Self.distribution).map { .wait($0) }
        case "dtmf": return map.value("dtmf", Self.digits).map { .digits($0) }
        case "show": return map.node("show").flatMap { picture($0, map.name("show")) }
        default:
            let isOn = map.value("hang_up", ScalarText.isOn)
            return isOn == true ? .hangUp : nil
        }
    }

    private static func digits(_ text: String) throws(TextProblem) -> String {
        guard !text.isEmpty, text.utf8.count <= 64,
            text.utf8.allSatisfy({ "0123456789*#ABCD".utf8.contains($0) })
        else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" are no DTMF digits",
                allowed: "1 to 64 of 0-9 * # A B C D, in quotes")
        }
        return text
    }

    private mutating func turn(_ map: MapReader) -> ConversationScript.Turn? {
        guard let node = map.node("say"), let clips = choice(node, map.name("say")) else {
            return nil
        }
        return ConversationScript.Turn(
            clips: clips, pause: map.value("pause", Self.distribution),
            patience: map.value("patience", ScalarText.positiveDuration),
            onSilence: map.value("on_silence", Self.onSilence),
            expect: map.node("expect").flatMap { expectation($0, map.name("expect")) },
            bargeIn: map.node("barge_in").flatMap { bargeIn($0, map.name("barge_in")) },
            noise: map.node("noise").flatMap { noise($0, map.name("noise")) })
    }

    /// `add-milk`, `[a, b]`, `{any_of: [a, b]}` or `{any: utterance}`.
    private mutating func choice(_ node: YAMLNode, _ path: String) -> ConversationScript.ClipChoice?
    {
        var list = node
        if node.map != nil {
            guard
                let map = MapReader(
                    reading, node, path: path, keys: ["any_of", "any"], page: Self.page)
            else { return nil }
            if let any = map.node("any") {
                let kinds = ClipDescription.Kind.allCases.map { ($0.rawValue, $0) }
                return reading.value(any, path: map.name("any"), page: Self.page) {
                    text throws(TextProblem) in
                    try ScalarText.word(text, of: kinds, what: "kind of clip")
                }.map { kind in
                    clipNames.append(("any \(kind)", any.mark))
                    return .any(kind)
                }
            }
            guard map.hasRequired("any_of", "clip ids"), let items = map.node("any_of") else {
                return nil
            }
            list = items
        }
        let nodes = reading.texts(list, path: path, page: Self.page)
        guard !nodes.isEmpty else {
            if list.list?.isEmpty == true {
                reading.report(
                    list.mark, "\(path) names no clip", allowed: "clip ids", page: Self.page)
            }
            return nil
        }
        for node in nodes { clipNames.append((node.scalar ?? "", node.mark)) }
        return .named(nodes.compactMap(\.scalar))
    }

    /// `silence`, `{intent: add_task}` or `{text: [a, b]}`.
    private mutating func expectation(_ node: YAMLNode, _ path: String)
        -> ConversationScript.Expectation?
    {
        if node.scalar != nil {
            return reading.value(node, path: path, page: Self.page) { text throws(TextProblem) in
                try ScalarText.word(text, of: [("silence", .silence)], what: "expectation")
            }
        }
        guard
            let map = MapReader(
                reading, node, path: path, keys: ["intent", "text"], page: Self.page)
        else { return nil }
        if let intent = map.node("intent"), let name = map.value("intent", ScalarText.text) {
            intentNames.append(intent)
            return .intent(name)
        }
        let texts = map.texts("text").compactMap(\.scalar)
        if texts.isEmpty, map.node("intent") == nil {
            reading.report(
                node.mark, "\(path) expects nothing", allowed: "silence, intent: or text:",
                page: Self.page)
        }
        return texts.isEmpty ? nil : .text(texts)
    }

    private mutating func bargeIn(_ node: YAMLNode, _ path: String) -> ConversationScript.BargeIn? {
        guard
            let map = MapReader(reading, node, path: path, keys: Self.bargeInKeys, page: Self.page)
        else { return nil }
        let kinds = BargeInKind.allCases.map { ("\($0)", $0) }
        let kind = map.required("kind", "interruption, backchannel or noise") {
            text throws(TextProblem) in try ScalarText.word(text, of: kinds, what: "barge-in")
        }
        let after = map.required(
            "after", "how long after the reply's first sound", Self.distribution)
        let clips =
            map.hasRequired("say", "a clip of this kind")
            ? map.node("say").flatMap { choice($0, map.name("say")) } : nil
        let then = map.node("then").flatMap { choice($0, map.name("then")) }
        if let kind, kind != .interruption, map.node("then") != nil {
            reading.report(
                map.mark("then"), "only an interruption goes on with a request",
                allowed: "then: with kind: interruption", page: Self.page)
        }
        guard let kind, let after, let clips else { return nil }
        return ConversationScript.BargeIn(
            kind: kind, after: after, clips: clips, then: then,
            chance: map.value("p", ScalarText.chance) ?? .always)
    }

    private mutating func noise(_ node: YAMLNode, _ path: String) -> ConversationScript.Noise? {
        guard
            let map = MapReader(reading, node, path: path, keys: Self.noiseKeys, page: Self.page)
        else { return nil }
        let after = map.required("after", "how long after the caller's end", Self.distribution)
        let clips =
            map.hasRequired("say", "a clip that is no words")
            ? map.node("say").flatMap { choice($0, map.name("say")) } : nil
        guard let after, let clips else { return nil }
        return ConversationScript.Noise(
            after: after, clips: clips, chance: map.value("p", ScalarText.chance) ?? .always)
    }

    private func check(_ node: YAMLNode) -> ConversationScript.Check? {
        guard
            let map = MapReader(
                reading, node, path: "check",
                keys: ["tools", "every_turn_answered", "tools_succeed"], page: Self.page)
        else { return nil }
        return ConversationScript.Check(
            tools: map.texts("tools").compactMap(\.scalar),
            isEveryTurnAnswered: map.value("every_turn_answered", ScalarText.isOn) ?? true,
            doToolsSucceed: map.value("tools_succeed", ScalarText.isOn) ?? false)
    }

    private func checkIntents(_ model: LanguageModelScript) {
        let names = model.intents.map(\.name)
        for node in intentNames where !names.contains(node.scalar ?? "") {
            let name = node.scalar ?? ""
            reading.report(
                node.mark,
                "unknown intent \"\(name)\"" + ScalarText.suggestion(name, among: names),
                allowed: names.joined(separator: ", "), page: Self.page)
        }
    }
}
