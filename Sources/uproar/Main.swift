import Glibc
import UproarCore

/// `uproar`: finds the command, runs it, and turns what it says into an exit code.
@main
struct Main {
    static func main() async {
        // A reader of our output that goes away is no reason to die; writes then fail with EPIPE.
        signal(SIGPIPE, SIG_IGN)
        // Nor is a limit of file sizes (ulimit -f): writes then fail with EFBIG, and the run says so.
        signal(SIGXFSZ, SIG_IGN)
        Terminal.claimDescriptors()
        let code = await run(Array(CommandLine.arguments.dropFirst()))
        exit(code)
    }

    private static func run(_ words: [String]) async -> Int32 {
        var map = ExitMap()
        var code = await run(words, &map)
        if let failure = Terminal.outputFailure {
            Terminal.standardError(
                "uproar: stdout did not take all that was printed: \(String(cString: strerror(failure)))\n"
            )
            if code == .passed { code = .inconclusive }
        }
        return map.of(code)
    }

    private static func run(_ words: [String], _ map: inout ExitMap) async -> ExitCode {
        guard let verb = words.first else {
            Terminal.standardError(HelpText.overview)
            return .usage
        }
        if ["help", "--help", "-h"].contains(verb) { return help(Array(words.dropFirst())) }
        if ["version", "--version"].contains(verb) {
            Terminal.standardOutput("uproar \(Version.text)\n")
            return .passed
        }
        guard let command = Commands.all.first(where: { $0.name == verb }) else {
            let near = NearestName.of(verb, among: Commands.visible.map(\.name))
            Terminal.standardError(
                """
                uproar: unknown command '\(verb)'\(near.map { "; did you mean '\($0)'?" } ?? "")
                  commands: \(Commands.visible.map(\.name).joined(separator: " "))
                  see 'uproar help'

                """)
            return .usage
        }
        let rest = Array(words.dropFirst())
        if rest.contains("--help") || rest.contains("-h") { return help([verb]) }
        do {
            let arguments = try Arguments(rest, flags: command.flags, command: command.name)
            // A map that cannot be read is said before the run, not after it.
            map = try ExitMap(arguments.all("map-exit"))
            return try await command.run(arguments)
        } catch let mistake as Arguments.Mistake {
            Terminal.standardError("uproar: \(mistake.text)\n")
            return .usage
        } catch {
            Terminal.standardError("uproar: \(error)\n")
            return .usage
        }
    }

    private static func help(_ words: [String]) -> ExitCode {
        guard let name = words.first else {
            Terminal.standardOutput(HelpText.overview)
            return .passed
        }
        guard let command = Commands.all.first(where: { $0.name == name }) else {
            Terminal.standardError("uproar: no command '\(name)'; see 'uproar help'\n")
            return .usage
        }
        Terminal.standardOutput(HelpText.of(command))
        return .passed
    }
}
