import UproarCore

/// A program that the run starts as its agent, with the providers' addresses in its environment.
package struct TargetCommand: Hashable, Sendable {
    /// Program and arguments; never empty.
    package var arguments: [TargetTemplate]
    /// Where it takes calls.
    package var url: TargetTemplate
    /// Variables on top of those that are set anyway, in written order.
    package var environment: [Variable] = []
    /// Names of keys that the program gets from the run's own environment; all other keys there are withheld.
    package var passed: [String] = []
    /// Where it runs, as found; nil: where the run was started.
    package var directory: String?
    package var readiness = Readiness.port
    /// From its start until it must be ready.
    package var startLimit = Duration.seconds(60)
    /// From SIGTERM to SIGKILL.
    package var stopLimit = Duration.seconds(5)
    /// nil: the agent finds the emulators by the addresses that it is given.
    package var intercept: TargetIntercept?

    package struct Variable: Hashable, Sendable {
        package var name: String
        package var value: TargetTemplate
    }

    package enum Readiness: Hashable, Sendable {
        /// The port of its URL accepts a connection.
        case port
        /// A GET of this address is answered with a status below 400.
        case http(TargetTemplate)

        var text: String {
            switch self {
            case .port: "port"
            case .http(let url): url.source
            }
        }
    }

    package init(arguments: [TargetTemplate], url: TargetTemplate) {
        self.arguments = arguments
        self.url = url
    }

    /// The command line as written, for people.
    package var text: String { arguments.map(\.source).joined(separator: " ") }
}

extension TargetCommand {
    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("command", .array(arguments.map { .string($0.source) })),
            .init("url", .string(url.source)),
            .init(
                "env", .object(environment.map { .init($0.name, .string($0.value.source)) })),
            .init("pass_env", .array(passed.map { .string($0) })),
            .init("directory", JSONValue(directory)),
            .init("ready", .string(readiness.text)),
            .init("start_within", Scenario.json(startLimit)),
            .init("stop_within", Scenario.json(stopLimit)),
        ]
        // Only where it is set, so that scenarios without it keep their hash.
        if let intercept { members.append(.init("intercept", intercept.json)) }
        return .object(members)
    }
}

extension ScenarioReader {
    static let commandKeys = [
        "env", "pass_env", "directory", "ready", "start_within", "stop_within", "cpu",
        "intercept",
    ]

    /// `{command: […], url: …, env: {…}, …}`.
    func command(_ map: MapReader, _ node: YAMLNode, _ transport: TransportDescriptor?)
        -> TargetCommand?
    {
        let items = reading.texts(node, path: "target.command", page: map.page)
        let arguments = items.compactMap { item in
            reading.value(item, path: "target.command", page: map.page) {
                text throws(TextProblem) in try template(text)
            }
        }
        if items.isEmpty {
            reading.report(
                node.mark, "the command is empty", allowed: "[program, argument, …]",
                page: map.page)
        }
        guard map.hasRequired("url", "where the program listens: ws://127.0.0.1:${media.port}/path")
        else { return nil }
        let url = map.value("url") { text throws(TextProblem) in
            _ = try Self.url(text, transport?.schemes ?? [])
            return try template(text)
        }
        guard let url, !arguments.isEmpty, arguments.count == items.count else { return nil }
        var command = TargetCommand(arguments: arguments, url: url)
        command.environment = environment(map)
        command.passed = map.texts("pass_env").compactMap(\.scalar)
        command.directory = directory(map)
        command.intercept = intercept(map)
        if let ready = map.value("ready", readiness) { command.readiness = ready }
        if let limit = map.value("start_within", ScalarText.positiveDuration) {
            command.startLimit = limit
        }
        if let limit = map.value("stop_within", ScalarText.duration) { command.stopLimit = limit }
        return command
    }

    /// Names are the person's own.
    private func environment(_ map: MapReader) -> [TargetCommand.Variable] {
        guard let node = map.node("env"), !node.isEmpty else { return [] }
        guard let entries = node.map else {
            reading.report(
                node.mark, "target.env holds \(node.kindName)",
                allowed: "a map of names and values: {DEEPGRAM_URL: \"${deepgram.ws}\"}",
                page: map.page)
            return []
        }
        return entries.compactMap { entry in
            guard !entry.key.isEmpty, !entry.key.utf8.contains(UInt8(ascii: "=")) else {
                reading.report(
                    entry.mark, "\"\(entry.key)\" is no name of a variable",
                    allowed: "a name without =", page: map.page)
                return nil
            }
            // An empty value is a value.
            if entry.value.isEmpty {
                return (try? TargetTemplate("")).map { .init(name: entry.key, value: $0) }
            }
            return reading.value(entry.value, path: "target.env.\(entry.key)", page: map.page) {
                text throws(TextProblem) in try template(text)
            }.map { .init(name: entry.key, value: $0) }
        }
    }

    private func directory(_ map: MapReader) -> String? {
        guard let node = map.node("directory") else { return nil }
        guard
            let name = reading.value(
                node, path: "target.directory", page: map.page, ScalarText.text)
        else { return nil }
        guard let found = reading.find(name, node, files) else {
            reading.report(
                node.mark, "target.directory: there is no \"\(name)\"",
                allowed: "a folder, relative to this file or to the installed share folder",
                page: map.page)
            return nil
        }
        return found
    }

    private func readiness(_ text: String) throws(TextProblem) -> TargetCommand.Readiness {
        if text == "port" { return .port }
        guard text.hasPrefix("http://") else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" says nothing about being ready",
                allowed: "port, or an address such as http://127.0.0.1:${media.port}/health")
        }
        return .http(try template(text))
    }

    /// Names of the environment have to be set, although their values are asked for when the command starts.
    private func template(_ text: String) throws(TextProblem) -> TargetTemplate {
        let template = try TargetTemplate(text)
        for case .environment(let variable) in template.variables
        where variable.value(files.variable) == nil {
            throw TextProblem(
                offset: 0, reason: "the environment has no \(variable.name)",
                allowed: "a variable that is set, or ${\(variable.name):-default}")
        }
        return template
    }
}
