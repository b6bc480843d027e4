import UproarCore

extension ScenarioReader {
    /// `embedded`, `{embedded: {workers: 2}}`, `{command: […], url: …}` or `{url: …}`.
    func target(_ map: MapReader, _ transport: TransportDescriptor?) -> Scenario.Target? {
        let page = "docs/scenario.md#target"
        guard let node = map.node("target") else { return .embedded(workers: 1) }
        if node.scalar != nil {
            return reading.value(node, path: "target", page: page) { text throws(TextProblem) in
                do throws(TextProblem) {
                    return try ScalarText.word(
                        text, of: [("embedded", .embedded(workers: 1))], what: "target")
                } catch {
                    throw TextProblem(
                        offset: error.offset, reason: error.reason,
                        allowed: "embedded, {url: \"ws://…\"} or {command: […], url: \"ws://…\"}")
                }
            }
        }
        guard
            let map = map.map(
                "target",
                keys: ["embedded", "command", "url", "stream_url", "browser_url"]
                    + Self.commandKeys,
                page: page)
        else {
            return nil
        }
        if let command = map.node("command") {
            refuse("embedded", beside: "command", map)
            return self.command(map, command, transport).map { .command($0) }
        }
        for key in Self.commandKeys where map.node(key) != nil {
            reading.report(
                map.mark(key), "target.\(key) goes with a command",
                allowed: "target.\(key) beside target.command", page: page)
        }
        let url = map.value("url") { text throws(TextProblem) in
            try Self.url(text, transport?.schemes ?? [])
        }
        if map.node("url") != nil {
            refuse("embedded", beside: "url", map)
            return url.map { .url($0) }
        }
        guard map.node("embedded") != nil else {
            reading.report(
                node.mark, "target names nothing", allowed: "embedded, command or url", page: page)
            return nil
        }
        if map.node("embedded")?.isEmpty == true { return .embedded(workers: 1) }
        let embedded = map.map("embedded", keys: ["workers", "restart_delay", "cpu"])
        let workers = embedded?.value("workers") { text throws(TextProblem) in
            try ScalarText.integer(text, in: 1...64)
        }
        let delay = embedded?.value("restart_delay", ScalarText.duration)
        return .embedded(workers: workers ?? 1, restartDelay: delay)
    }

    /// `target.browser_url`: where browsers call when telephones call `target.url`.
    func browserURL(
        _ map: MapReader, _ target: Scenario.Target?, _ channels: [Scenario.ChannelShare]
    ) -> String? {
        let isMixed = channels.contains { $0.transport != channels[0].transport }
        guard let node = map.node("target"), node["browser_url"] != nil else {
            switch target {
            case .embedded?, nil: break
            case .url?, .command?:
                guard isMixed else { break }
                reading.report(
                    map.mark("target"),
                    "the channels need several transports, and there is one url",
                    allowed: "target.browser_url beside url, or channels of one transport",
                    page: "docs/scenario.md#channels")
            }
            return nil
        }
        guard
            let inner = map.map(
                "target", keys: node.map?.map(\.key) ?? [], page: "docs/scenario.md#target")
        else { return nil }
        if case .url? = target, isMixed {
        } else {
            reading.report(
                inner.mark("browser_url"),
                "target.browser_url goes with a url and channels of several transports",
                allowed: "url alone where there is one transport", page: inner.page)
        }
        return inner.value("browser_url") { text throws(TextProblem) in
            try Self.url(text, ["ws", "wss"])
        }
    }

    /// `cpu: 0.5` beside the workers or in a command.
    func agentCores(_ map: MapReader) -> Decimal? {
        guard let node = map.node("target"), let keys = node.map?.map(\.key),
            let inner = MapReader(
                reading, node, path: "target", keys: keys, page: "docs/scenario.md#target")
        else { return nil }
        if node["command"] != nil, keys.contains("cpu") {
            return inner.value("cpu", ScalarText.cores)
        }
        guard let embedded = node["embedded"], let own = embedded.map?.map(\.key),
            own.contains("cpu")
        else { return nil }
        return inner.map("embedded", keys: own)?.value("cpu", ScalarText.cores)
    }

    /// `target.stream_url`, which goes with a webhook.
    func streamURL(_ map: MapReader, _ target: Scenario.Target?) -> String? {
        guard let node = map.node("target"), node.map != nil, let target,
            let inner = map.map(
                "target", keys: node.map?.map(\.key) ?? [], page: "docs/scenario.md#target"),
            node["stream_url"] != nil
        else { return nil }
        let url = inner.value("stream_url") { text throws(TextProblem) in
            try Self.url(text, ["ws", "wss"])
        }
        let asked: String? =
            switch target {
            case .embedded: nil
            case .command(let command): command.url.source
            case .url(let url): url
            }
        if asked?.hasPrefix("http") != true {
            reading.report(
                inner.mark("stream_url"), "target.stream_url goes with a webhook",
                allowed: "stream_url beside an http:// or https:// url", page: inner.page)
        }
        return url
    }

    private func refuse(_ key: String, beside other: String, _ map: MapReader) {
        guard map.node(key) != nil else { return }
        reading.report(
            map.mark(key), "target.\(key) stands beside target.\(other)",
            allowed: "one kind of target", page: map.page)
    }

    /// Scheme, host and nothing that cannot be one; the rest is the dialler's.
    static func url(_ text: String, _ schemes: [String]) throws(TextProblem) -> String {
        let form = schemes.map { "\($0)://host:port/path" }.joined(separator: " or ")
        guard let scheme = schemes.first(where: { text.hasPrefix($0 + "://") }) else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no address this transport can dial",
                allowed: form)
        }
        let rest = text.dropFirst(scheme.count + 3)
        guard !rest.isEmpty, rest.first != "/", rest.first != ":",
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else {
            throw TextProblem(
                offset: scheme.utf8.count + 3, reason: "\"\(text)\" has no host", allowed: form)
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        // Not said again: results hold the address.
        guard !authority.contains("@") else {
            throw TextProblem(
                offset: scheme.utf8.count + 3,
                reason: "a user name or password stands in the address",
                allowed: form)
        }
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            let port = authority[authority.index(after: colon)...]
            // What stands for a port, as ${media.port}, is known when the run is.
            guard port.isEmpty || port.contains("{") || UInt16(port).map({ $0 > 0 }) == true else {
                throw TextProblem(
                    offset: text.utf8.count - rest[colon...].utf8.count + 1,
                    reason: "the port is \"\(port)\"", allowed: "a port from 1 to 65535")
            }
        }
        return text
    }

    /// The lines, and all their names (those of wrong lines too, so that gates on them are not wrong as well).
    func load(_ map: MapReader) -> (lines: [LoadLine], named: [(name: String, mark: YAMLMark)]) {
        let page = "docs/scenario.md#load"
        guard map.hasRequired("load", "a list of load lines, such as - hold: 5 callers for 30s"),
            let node = map.node("load"),
            let items = reading.list(node, path: "load", page: page, of: "load lines")
        else { return ([], []) }
        if items.isEmpty {
            reading.report(
                node.mark, "the load has no line", allowed: "at least one load line", page: page)
        }
        var lines: [LoadLine] = []
        var named: [(name: String, mark: YAMLMark)] = []
        var numbers: [String: Int] = [:]
        for (index, item) in items.enumerated() {
            guard
                let line = MapReader(
                    reading, item, path: "load[\(index)]", keys: LoadShape.keys + ["name"],
                    page: page)
            else { continue }
            let kinds = LoadShape.keys.filter { line.node($0) != nil }
            guard kinds.count == 1, let key = kinds.first, let scalar = line.node(key) else {
                reading.report(
                    item.mark,
                    kinds.isEmpty
                        ? "load[\(index)] holds no load"
                        : "load[\(index)] holds \(kinds.joined(separator: " and "))",
                    allowed: "one of \(LoadShape.keys.joined(separator: ", ")) in a line",
                    page: page)
                continue
            }
            numbers[key, default: 0] += 1
            let given = line.value("name", Self.lineName)
            let name = given ?? "\(key)-\(numbers[key] ?? 1)"
            if let other = named.first(where: { $0.name == name }) {
                reading.report(
                    line.mark("name"), "a second load line named \"\(name)\"",
                    allowed: "each name once: the first is on line \(other.mark.line)", page: page)
            }
            named.append((name, item.mark))
            let shape = reading.value(scalar, path: line.name(key), page: page) {
                text throws(TextProblem) in
                try LoadText.parse(text, key: key) { file throws(TextProblem) in
                    try callLog(file, scalar)
                }
            }
            if let shape { lines.append(LoadLine(name: name, shape: shape)) }
        }
        checkCalls(lines, node, page)
        return (lines, named)
    }

    private func checkCalls(_ lines: [LoadLine], _ node: YAMLNode, _ page: String) {
        guard !lines.isEmpty else { return }
        var calls = 0
        for line in lines {
            switch line.shape {
            case .callerRamp(let shape): calls += max(shape.from, shape.to)
            case .hold(let shape): calls += shape.callers
            case .steps(let shape): calls += max(shape.from, shape.to)
            case .arrive(let shape): calls += shape.expectedCount
            case .rateRamp(let shape): calls += shape.expectedCount
            case .spike(let shape): calls += shape.calls
            case .replay(let shape): calls += shape.offsets.count
            }
        }
        guard (1...LoadText.callerLimit).contains(calls) else {
            reading.report(
                node.mark,
                calls == 0 ? "the load starts no call" : "the load starts \(calls) calls",
                allowed: "1 to \(LoadText.callerLimit) calls", page: page)
            return
        }
    }

    private static func lineName(_ text: String) throws(TextProblem) -> String {
        guard !text.isEmpty, text.utf8.allSatisfy(TextScanner.isWordByte) else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no name",
                allowed: "letters, digits, - and _, for @stage(NAME)")
        }
        return text
    }

    private func callLog(_ file: String, _ node: YAMLNode) throws(TextProblem) -> [Duration] {
        guard let found = reading.find(file, node, files) else {
            throw TextProblem(
                offset: 0, reason: "there is no file \"\(file)\"",
                allowed: "a path relative to this file")
        }
        switch files.read(found) {
        case .success(let bytes):
            do { return try ReplayShape.offsets(csv: bytes) } catch {
                throw TextProblem(
                    offset: 0, reason: "\(found), line \(error.offset): \(error.reason)",
                    allowed: error.allowed)
            }
        case .failure(let refusal):
            throw TextProblem(
                offset: 0, reason: "\(found) cannot be read: \(refusal.reason)",
                allowed: "a file that can be read")
        }
    }

    func agent(_ node: YAMLNode) -> AgentSettings {
        var agent = AgentSettings()
        let own = ["endpointing", "stable_interim", "finish_after", "barge_in", "greeting"]
        let others = catalog.agentKeys.filter { !own.contains($0.name) }
        let keys = own + others.map(\.name)
        guard
            let map = MapReader(
                reading, node, path: "agent", keys: keys, page: "docs/scenario.md#agent")
        else { return agent }
        agent.endpointing = map.value("endpointing", ScalarText.positiveDuration)
        agent.stableInterim = map.value("stable_interim", ScalarText.positiveDuration)
        agent.finishAfter = map.value("finish_after", ScalarText.positiveDuration)
        agent.bargeIn = map.value("barge_in", ScalarText.positiveDuration)
        agent.greeting = map.value("greeting", ScalarText.text)
        for key in others {
            let text = map.value(key.name) { (text: String) throws(TextProblem) -> String in
                try key.check(text)
                return text
            }
            if let text { agent.others.append(.init(key: key.name, text: text)) }
        }
        return agent
    }

    func callers(_ map: MapReader) -> CallerTable? {
        guard let node = map.node("callers"),
            let found = reading.file(node, path: "callers", page: CallerTable.page, files)
        else { return nil }
        do { return try CallerTable.read(found.bytes, file: found.path) } catch {
            reading.report(error)
            return nil
        }
    }

    func prices(_ map: MapReader, _ file: String) -> (PriceBook?, String) {
        if let node = map.node("prices") {
            guard
                let found = reading.file(
                    node, path: "prices", page: "docs/scenario.md#prices", files)
            else { return (nil, "") }
            return (PriceFile.read(found.bytes, file: found.path, reading), found.path)
        }
        for path in Self.defaultPrices {
            guard let found = files.find(path, file), case .success(let bytes) = files.read(found)
            else { continue }
            return (PriceFile.read(bytes, file: found, reading), found)
        }
        reading.report(
            map.node.mark, "the default price file \(Self.defaultPrices[0]) is nowhere",
            allowed: "prices: with a file, or the installed share folder",
            page: "docs/scenario.md#prices")
        return (nil, "")
    }
}
