import UproarCore

extension TimelineReader {
    /// Every inject has an end, and every wait for one a longest time.
    func life(_ map: MapReader) -> TimelineEvent.Life? {
        let found = Self.lifeKeys.filter { map.node($0) != nil }
        let needsMax = map.node("until") != nil || map.node("count") != nil
        if map.node("max") != nil, !needsMax {
            reading.report(
                map.mark("max"), "\"max\" stands alone", allowed: "max: with until: or count:",
                page: Self.page)
        }
        switch found {
        case ["for"]: return map.value("for", ScalarText.positiveDuration).map { .lasting($0) }
        case ["for", "pulse"]:
            guard let total = map.value("for", ScalarText.positiveDuration),
                let pulse = map.value("pulse", Self.pulse)
            else { return nil }
            return .pulse(on: pulse.on, off: pulse.off, lasting: total)
        case ["until"]:
            guard map.hasRequired("max", "the longest time until then"),
                let longest = map.value("max", ScalarText.positiveDuration)
            else { return nil }
            return map.value("until") { text throws(TextProblem) in
                guard text.utf8.contains(UInt8(ascii: ":")) else {
                    return .untilEvent(try Self.identifier(text), max: longest)
                }
                return .untilCondition(
                    try GateParser.parseCondition(text, names: .init(metrics: catalog.metrics)),
                    max: longest)
            }
        case ["count"]:
            guard map.hasRequired("max", "the longest time until so many hits"),
                let longest = map.value("max", ScalarText.positiveDuration)
            else { return nil }
            return map.value("count") { text throws(TextProblem) in
                .count(try ScalarText.integer(text, in: 1...1_000_000), max: longest)
            }
        case ["pulse"]:
            _ = map.hasRequired("for", "how long the pulses go on")
            return nil
        default:
            reading.report(
                map.node.mark,
                found.isEmpty
                    ? "\(map.path) injects without an end"
                    : "\(map.path) has \(found.joined(separator: " and "))",
                allowed:
                    "for: 15s, or until: with max:, or pulse: 2s/1s with for:, or count: 10 with max:",
                page: Self.page)
            return nil
        }
    }

    /// `2s/1s`: on and off.
    private static func pulse(_ text: String) throws(TextProblem) -> (on: Duration, off: Duration) {
        let form = "the times on and off, such as 2s/1s"
        var scanner = TextScanner(text)
        let on = try DurationText.scan(&scanner)
        scanner.skipSpaces()
        guard scanner.take("/") else {
            throw scanner.problem("\"/\" is due, \(scanner.found) stands", allowed: form)
        }
        let off = try DurationText.scan(&scanner)
        try scanner.end(allowed: form)
        guard on >= .milliseconds(50), off >= .milliseconds(50) else {
            throw TextProblem(offset: 0, reason: "shorter than 50ms", allowed: form)
        }
        return (on, off)
    }

    func scope(_ map: MapReader, _ fault: FaultDescriptor?) -> TimelineEvent.Scope {
        var scope = TimelineEvent.Scope()
        // Faults that share a name: each may be meant, as long as nothing else is named.
        let same = catalog.faults.filter { $0.name == fault?.name }
        let targets =
            same.contains { $0.targets.isEmpty } ? catalog.targets : same.flatMap(\.targets)
        for node in map.texts("on") {
            let target = reading.value(node, path: map.name("on"), page: Self.page) {
                text throws(TextProblem) in
                try ScalarText.word(text, of: targets.map { ($0, $0) }, what: "target")
            }
            if let target { scope.on.append(target) }
        }
        if let fault, fault.needsTarget, scope.on.isEmpty, map.node("on") == nil {
            reading.report(
                map.node.mark, "\(map.path): \(fault.name) acts on nothing by itself",
                allowed: "on: " + fault.targets.joined(separator: ", "), page: Self.page)
        }
        if let fault, same.count > 1, !fault.targets.isEmpty,
            let other = scope.on.first(where: { !fault.targets.contains($0) })
        {
            reading.report(
                map.mark("on"),
                "\(map.path): \(fault.name) on \(other) is another fault than on \(scope.on.first { $0 != other } ?? "the others")",
                allowed: "an event for each", page: Self.page)
        }
        if let conditions = map.map("where", keys: Self.matchKeys) {
            for entry in conditions.node.map ?? [] where Self.matchKeys.contains(entry.key) {
                guard let value = conditions.value(entry.key, ScalarText.text) else { continue }
                scope.conditions.append(.init(key: entry.key, value: value))
            }
        }
        scope.cohort = map.value("cohort", Self.cohort)
        scope.unit = map.value("per") { text throws(TextProblem) in
            try ScalarText.word(
                text, of: TimelineEvent.Unit.allCases.map { ($0.rawValue, $0) }, what: "unit")
        }
        scope.chance = map.value("p", ScalarText.chance) ?? .always
        scope.maxActive = map.value("max_active") { text throws(TextProblem) in
            try ScalarText.integer(text, in: 1...1_000_000)
        }
        scope.ramp = map.value("ramp", ScalarText.duration) ?? .zero
        return scope
    }

    /// `10%`, `every 3rd call` as `1/3` is a share; `calls 3`; `channel=phone`.
    private static func cohort(_ text: String) throws(TextProblem) -> TimelineEvent.Cohort {
        var scanner = TextScanner(text)
        if scanner.takeWord("calls") {
            scanner.skipSpaces()
            let start = scanner.offset
            do { return .every(try ScalarText.integer(scanner.rest, in: 1...1_000_000)) } catch {
                throw error.shifted(by: start)
            }
        }
        if let equals = text.firstIndex(of: "=") {
            let value = text[text.index(after: equals)...]
            if !value.isEmpty, equals != text.startIndex {
                return .tag(String(text[..<equals]), String(value))
            }
        }
        do { return .share(try ScalarText.chance(text)) } catch {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no cohort",
                allowed: "a share of the calls (10%), every n-th (calls 3) or a tag (channel=phone)"
            )
        }
    }
}
