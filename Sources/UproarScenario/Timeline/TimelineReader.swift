import UproarCore

/// Reads `timeline:` (`docs/scenario.md#timeline`) and hands it to the static checks.
struct TimelineReader {
    let reading: Reading
    let catalog: ScenarioCatalog

    static let page = "docs/scenario.md#timeline"
    static let whenKeys = ["at", "after", "when", "every"]
    static let actionKeys = ["inject", "clear", "probe", "expect", "mark"]
    static let lifeKeys = ["for", "until", "pulse", "count"]
    static let scopeKeys = ["on", "where", "cohort", "per", "p", "max_active", "ramp"]
    static let keys = ["id"] + whenKeys + actionKeys + ["within"] + lifeKeys + ["max"] + scopeKeys
    static let matchKeys = [
        "role", "provider", "path", "method", "model", "command", "header", "direction",
    ]

    /// Wrong events are left out, with their problems.
    func read(_ node: YAMLNode?) -> [(event: TimelineEvent, mark: YAMLMark)] {
        guard let node,
            let items = reading.list(node, path: "timeline", page: Self.page, of: "events")
        else { return [] }
        var events: [(event: TimelineEvent, mark: YAMLMark)] = []
        var numbers: [String: Int] = [:]
        for (index, item) in items.enumerated() {
            guard let event = event(item, "timeline[\(index)]", &numbers) else { continue }
            if let other = events.first(where: { $0.event.id == event.id }) {
                reading.report(
                    item.mark, "a second event with the id \"\(event.id)\"",
                    allowed: "each id once: the first is on line \(other.mark.line)",
                    page: Self.page)
                continue
            }
            events.append((event, item.mark))
        }
        TimelineCheck(reading: reading, events: events).run()
        return events
    }

    private func event(_ node: YAMLNode, _ path: String, _ numbers: inout [String: Int])
        -> TimelineEvent?
    {
        // The attributes of the fault are keys beside ours: which they are is known once the fault is.
        let fault = node["inject"]?.scalar.flatMap { name in
            FaultDescriptor.named(name, on: Self.targets(node["on"]), among: catalog.faults)
        }
        let own = (fault?.attributes ?? []).map(\.name)
        let isUnknownFault = node["inject"] != nil && fault == nil
        let written = (node.map ?? []).map(\.key)
        guard
            let map = MapReader(
                reading, node, path: path,
                keys: Self.keys + own
                    + (isUnknownFault ? written.filter { !Self.keys.contains($0) } : []),
                page: Self.page)
        else { return nil }
        guard let actionKey = one(of: Self.actionKeys, map), let when = when(map),
            let action = action(actionKey, map, fault)
        else { return nil }
        var life: TimelineEvent.Life?
        if actionKey == "inject" {
            life = self.life(map)
            guard life != nil else { return nil }
        } else {
            for key in Self.lifeKeys + ["max"] + Self.scopeKeys where map.node(key) != nil {
                reading.report(
                    map.mark(key), "\(path): \"\(key)\" does not go with \"\(actionKey)\"",
                    allowed: "\(key): with inject:", page: Self.page)
            }
        }
        let kind = node["inject"]?.scalar ?? actionKey
        numbers[kind, default: 0] += 1
        let id = map.value("id", Self.identifier)
        if map.node("id") != nil, id == nil { return nil }
        return TimelineEvent(
            id: id ?? "\(kind)-\(numbers[kind] ?? 1)", when: when, action: action, life: life,
            scope: actionKey == "inject" ? scope(map, fault) : .init())
    }

    /// What `on` names, as written.
    private static func targets(_ node: YAMLNode?) -> [String] {
        guard let node else { return [] }
        return (node.list ?? [node]).compactMap(\.scalar)
    }

    /// Which one of these keys the map has; a problem when it is none or several.
    private func one(of keys: [String], _ map: MapReader) -> String? {
        let found = keys.filter { map.node($0) != nil }
        if found.count == 1 { return found[0] }
        reading.report(
            map.node.mark,
            found.isEmpty
                ? "\(map.path) has none of \(keys.joined(separator: ", "))"
                : "\(map.path) has \(found.joined(separator: " and "))",
            allowed: "one of \(keys.joined(separator: ", "))", page: Self.page)
        return nil
    }

    static func identifier(_ text: String) throws(TextProblem) -> String {
        guard !text.isEmpty, text != "all", text.utf8.allSatisfy(TextScanner.isWordByte) else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no id",
                allowed: "letters, digits, - and _, but not \"all\"")
        }
        return text
    }

    private func when(_ map: MapReader) -> TimelineEvent.When? {
        guard let key = one(of: Self.whenKeys, map) else { return nil }
        let isExpect = map.node("expect") != nil
        if key != "when", !isExpect, map.node("within") != nil {
            reading.report(
                map.mark("within"), "\"within\" does not go with \"\(key)\"",
                allowed: "within: with when: or expect:", page: Self.page)
        }
        switch key {
        case "at": return map.value("at", ScalarText.duration).map { .at($0) }
        case "after": return map.value("after", Self.after)
        case "every": return map.value("every", Self.every)
        default:
            guard map.hasRequired("within", "the longest wait for the condition") else {
                return nil
            }
            guard let rule = condition("when", map),
                let within = map.value("within", ScalarText.positiveDuration)
            else { return nil }
            return .condition(rule, within: within)
        }
    }

    private func condition(_ key: String, _ map: MapReader) -> GateRule? {
        map.value(key) { text throws(TextProblem) in
            try GateParser.parseCondition(text, names: .init(metrics: catalog.metrics))
        }
    }

    /// `id` or `id + 5s`.
    private static func after(_ text: String) throws(TextProblem) -> TimelineEvent.When {
        var scanner = TextScanner(text)
        let id = scanner.word()
        guard !id.isEmpty else {
            throw scanner.problem("no event is named", allowed: "an event's id, or id + 5s")
        }
        scanner.skipSpaces()
        guard scanner.take("+") else {
            try scanner.end(allowed: "an event's id, or id + 5s")
            return .after(id, .zero)
        }
        let delay = try DurationText.scan(&scanner)
        try scanner.end(allowed: "an event's id, or id + 5s")
        return .after(id, delay)
    }

    /// `30s from 10s to 2m` or `30s jitter 5s from 10s to 2m`.
    private static func every(_ text: String) throws(TextProblem) -> TimelineEvent.When {
        let form = "30s jitter 5s from 10s to 2m"
        var scanner = TextScanner(text)
        let period = try DurationText.scan(&scanner)
        let jitter = scanner.takeWord("jitter") ? try DurationText.scan(&scanner) : .zero
        guard scanner.takeWord("from") else {
            throw scanner.problem("\"from\" is due, \(scanner.found) stands", allowed: form)
        }
        let from = try DurationText.scan(&scanner)
        guard scanner.takeWord("to") else {
            throw scanner.problem("\"to\" is due, \(scanner.found) stands", allowed: form)
        }
        let to = try DurationText.scan(&scanner)
        try scanner.end(allowed: form)
        guard period >= .milliseconds(100), from < to, jitter * 2 <= period else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" never happens, or overlaps itself",
                allowed: "a period of at least 100ms, jitter up to half of it, from below to")
        }
        return .every(period, jitter: jitter, from: from, to: to)
    }

    private func action(_ key: String, _ map: MapReader, _ fault: FaultDescriptor?)
        -> TimelineEvent.Action?
    {
        switch key {
        case "inject":
            guard let fault else {
                _ = map.value("inject") { text throws(TextProblem) in
                    try ScalarText.word(
                        text, of: catalog.faults.map { ($0.name, $0) }, what: "fault")
                }
                return nil
            }
            return .inject(fault: fault.name, attributes: attributes(map, fault))
        case "clear":
            return map.value("clear", ScalarText.text).map { $0 == "all" ? .clearAll : .clear($0) }
        case "probe": return map.value("probe", Self.identifier).map { .probe($0) }
        case "mark": return map.value("mark", ScalarText.text).map { .mark($0) }
        default:
            guard map.hasRequired("within", "the longest wait for the expectation") else {
                return nil
            }
            guard let rule = condition("expect", map),
                let within = map.value("within", ScalarText.positiveDuration)
            else { return nil }
            return .expect(rule, within: within)
        }
    }

    private func attributes(_ map: MapReader, _ fault: FaultDescriptor)
        -> [TimelineEvent.Attribute]
    {
        fault.attributes.compactMap { attribute in
            guard let node = map.node(attribute.name) else {
                if attribute.isRequired {
                    _ = map.hasRequired(
                        attribute.name, "\(fault.name) needs it: \(attribute.summary)")
                }
                return nil
            }
            return map.value(attribute.name) { text throws(TextProblem) in
                try Self.value(text, attribute.kind)
            }.map { .init(name: attribute.name, value: $0, text: node.scalar ?? "") }
        }
    }

    static func value(_ text: String, _ kind: FaultDescriptor.Kind) throws(TextProblem)
        -> FaultDescriptor.Value
    {
        switch kind {
        case .duration: return .duration(try ScalarText.duration(text))
        case .distribution: return .distribution(try DistributionText.parse(text))
        case .integer(let range): return .integer(try ScalarText.integer(text, in: range))
        case .chance: return .chance(try ScalarText.chance(text))
        case .bytes: return .number(try QuantityText.parse(text, .bytes))
        case .bitrate: return .number(try QuantityText.parse(text, .bitrate))
        case .tokensPerSecond: return .number(try ScalarText.tokensPerSecond(text))
        case .factor: return .number(try ScalarText.factor(text).value)
        case .onOff: return .isOn(try ScalarText.isOn(text))
        case .word(let words):
            return .text(try ScalarText.word(text, of: words.map { ($0, $0) }, what: "word"))
        case .text: return .text(text)
        }
    }
}
