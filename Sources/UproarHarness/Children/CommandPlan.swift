import Glibc
import UproarCore
import UproarPosix
import UproarRuntime
import UproarScenario
import UproarWire

/// What a command target becomes once the ports of a run are known.
package struct CommandPlan {
    package var agent: CommandAgent.Plan
    package var url: WireURL
    /// What the agent expects webhooks to be signed with.
    package var authToken: String?

    /// So much of what the agent says is kept: the beginning, and the last words.
    private static let outputLimit = 8 << 20

    package init(_ target: TargetCommand, addresses: AgentAddresses, outputFile: String) throws {
        let text = try target.url.expanded(addresses.value)
        do { url = try WireURL(text) } catch {
            throw ScenarioLoading.Problem("the target \(text) is no URL: \(error)")
        }
        let words = try target.arguments.map { try $0.expanded(addresses.value) }
        var command = ProcessCommand(
            name: "agent", executable: words[0], arguments: Array(words.dropFirst()))
        command.withheld = WithheldKeys.names(
            of: WithheldKeys.ownNames(), passed: target.passed)
        // An intercepted agent calls the vendors by their names, as it does elsewhere; a bucket's own name nobody can know.
        let known =
            target.intercept == nil ? addresses.environment : addresses.interceptedEnvironment
        command.environment = known.filter { !target.passed.contains($0.name) }
        for variable in target.environment {
            command.environment.append(
                EnvironmentEntry(variable.name, try variable.value.expanded(addresses.value)))
        }
        command.directory = target.directory
        let shown = words.joined(separator: " ")
        if let intercept = target.intercept, let trust = addresses.trust {
            let bindings = try InterceptPlan(intercept).prepare(
                folder: trust.folder, program: Self.place(of: words[0], in: target.directory))
            command.executable = ownExecutable()
            command.arguments = ["inside"]
            command.environment.append(
                EnvironmentEntry(
                    InsideProcess.variable, InsideProcess.order(bindings, command: words)))
        }
        command.outputFile = outputFile
        command.outputLimit = Self.outputLimit
        authToken =
            command.environment.last { $0.name == "TWILIO_AUTH_TOKEN" }?.value
            ?? AgentAddresses.ownToken()
        let readiness: CommandAgent.Readiness =
            switch target.readiness {
            case .port: .port(.tcp(host: url.host, port: url.port))
            case .http(let address): .http(try address.expanded(addresses.value))
            }
        agent = CommandAgent.Plan(
            command: command, readiness: readiness, startLimit: target.startLimit,
            stopLimit: target.stopLimit)
        agent.shown = shown
    }

    /// Refuses before anything is started what cannot be: a program that is nowhere, a port that another has.
    package static func approve(_ target: TargetCommand) throws {
        // A program in a variable is found out when it starts.
        let program = target.arguments[0]
        if program.variables.isEmpty { try find(program.source, in: target.directory) }
        for name in target.passed where getenv(name) == nil {
            throw ScenarioLoading.Problem(
                """
                target.pass_env: the environment has no \(name)
                    allowed: names of variables that are set where the run is started
                    more: docs/scenario.md#target
                """)
        }
        guard target.url.variables.isEmpty, let url = try? WireURL(target.url.source),
            PortCheck.isTaken(host: url.host, port: url.port)
        else { return }
        throw ScenarioLoading.Problem(
            """
            target: something already listens on \(url.host):\(url.port), where the command is to take calls
                allowed: a port that is free, or ${media.port}, which always is
                more: docs/scenario.md#target
            """)
    }

    /// Where a program may be: at its path, or in the folders of PATH.
    private static func places(of program: String, in directory: String?) -> [String] {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        guard program.utf8.contains(UInt8(ascii: "/")) else {
            return path.split(separator: ":").map { "\($0)/\(program)" }
        }
        return program.hasPrefix("/") ? [program] : [(directory ?? ".") + "/" + program]
    }

    private static func place(of program: String, in directory: String?) -> String {
        places(of: program, in: directory).first { access($0, X_OK) == 0 } ?? program
    }

    private static func find(_ program: String, in directory: String?) throws {
        let places = places(of: program, in: directory)
        if places.contains(where: { access($0, X_OK) == 0 }) { return }
        let isPath = program.utf8.contains(UInt8(ascii: "/"))
        let reason =
            if isPath, access(places[0], F_OK) == 0 {
                "it is no program (nobody may execute it)"
            } else {
                isPath ? "there is no \(places[0])" : "it is nowhere in PATH"
            }
        throw ScenarioLoading.Problem(
            """
            target.command: \(program) cannot be started: \(reason)
                allowed: a program in PATH, or a path\(directory.map { " relative to \($0)" } ?? "")
                more: docs/scenario.md#target
            """)
    }
}
