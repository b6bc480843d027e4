import Glibc
import UproarCore
import UproarHarness

extension Command {
    static let run = Command(
        name: "run", summary: "run a scenario, or call an agent without one; write a report",
        form: "SCENARIO.yaml | ws://HOST/PATH --audio FILE",
        text: """
            Progress goes to stderr, the summary to stdout: its first line is the verdict, its last one names the files.
            Without a scenario, --audio says what the callers speak, once each; replies are told apart by waveform only.
            """,
        flags: [
            CommonFlags.out, CommonFlags.seed, CommonFlags.set, CommonFlags.quiet,
            CommonFlags.insecure,
            Arguments.Flag("audio", "FILE", "what callers speak, any file libsndfile reads"),
            Arguments.Flag("calls", "N", "with a URL: so many calls (5)"),
            Arguments.Flag(
                "tapes", "N",
                "keep the audio of the worst calls and N more as tapes/call-ID.wav (0: of none)"),
            Arguments.Flag("loops", "N", "caller threads (1)"),
            Arguments.Flag("dial-limit", "N", "dials per second at the most (no limit)"),
            Arguments.Flag("web", "HOST:PORT", "a live page and /metrics there, as 127.0.0.1:0"),
            Arguments.Flag(
                "otlp", "URL",
                "post a trace for each turn, and metrics, there (OTEL_EXPORTER_OTLP_ENDPOINT)"),
            CommonFlags.baseline, CommonFlags.mapExit,
        ] + CommonFlags.comparison + CommonFlags.adaptive
    ) { arguments in
        let input = try RunInput(arguments)
        var options = RunOptions(commandLine: input.commandLine)
        options.out = arguments.text("out")
        options.isQuiet = arguments.has("quiet")
        options.isInsecure = arguments.has("insecure")
        options.tapes = try arguments.integer("tapes", in: 0...1000) ?? 0
        options.loops = try arguments.integer("loops", in: 1...64)
        options.dialLimit = try arguments.integer("dial-limit", in: 1...1_000_000)
        if let place = arguments.text("web") {
            guard let colon = place.lastIndex(of: ":"), colon != place.startIndex,
                let port = UInt16(place[place.index(after: colon)...])
            else {
                throw Arguments.Mistake(
                    text: "'--web \(place)': a host and a port are due, as 127.0.0.1:0")
            }
            options.web = (String(place[..<colon]), port)
        }
        options.otlp = try otlp(arguments)
        if options.isInsecure {
            Terminal.standardError(
                "WARNING: TLS certificates of the target are not checked (--insecure)\n")
        }
        let ending = try arguments.run(
            input.scenario, options: options, isSimulated: false,
            view: LiveView(isQuiet: options.isQuiet), opening: input.opening)
        Terminal.conclude(ending.summary, annotations: ending.annotations)
        return ending.exitCode
    }
}

/// The flag goes before the variable; headers, which may hold keys, come from the environment alone.
private func otlp(_ arguments: Arguments) throws -> OTLPExporter.Settings? {
    func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    let (name, given) =
        arguments.text("otlp").map { ("--otlp", $0) }
        ?? ("OTEL_EXPORTER_OTLP_ENDPOINT", variable("OTEL_EXPORTER_OTLP_ENDPOINT") ?? "")
    if given.isEmpty { return nil }
    guard given.hasPrefix("http://") || given.hasPrefix("https://") else {
        throw Arguments.Mistake(
            text:
                "\(name) \(given): an http:// or https:// address is due, as http://127.0.0.1:4318")
    }
    return OTLPExporter.Settings(
        endpoint: given,
        headers: OTLPExporter.Settings.headers(variable("OTEL_EXPORTER_OTLP_HEADERS") ?? ""))
}

/// The scenario and seed of a command line: from a file, or made from a URL and an audio file.
struct RunInput {
    var scenario: LoadedScenario
    var seed: UInt64
    var commandLine: String
    /// The first lines of a run: everything it chose.
    var opening: [String]

    init(_ arguments: Arguments) throws {
        guard arguments.rest.count == 1 else {
            throw Arguments.Mistake(
                text: arguments.rest.isEmpty
                    ? "a scenario file or a URL is due, as scenarios/quickstart.yaml"
                    : "one scenario at a time; \(arguments.rest.count) are given")
        }
        let what = Self.withPlainScheme(arguments.rest[0])
        let given = try arguments.seed()
        var overrides = arguments.all("set")
        if let given { overrides.append("seed=\(given)") }
        let schemes = ["ws://", "wss://", "http://", "https://"]
        let isURL = schemes.contains { what.hasPrefix($0) }
        if !isURL, what.contains("://") {
            throw Arguments.Mistake(
                text:
                    "\(what): no transport speaks that\n  allowed: \(schemes.joined(separator: " "))"
            )
        }
        if isURL {
            scenario = try LoadedScenario.calling(
                what, audio: arguments.text("audio"),
                calls: try arguments.integer("calls", in: 1...10_000) ?? 5, overrides: overrides)
        } else {
            for flag in ["audio", "calls"] where arguments.has(flag) {
                throw Arguments.Mistake(
                    text:
                        "--\(flag) goes with a URL; in a scenario say it with --set or in the file")
            }
            scenario = try LoadedScenario.file(what, overrides: overrides)
        }
        seed = scenario.seed
        var words = ["uproar", "run", what, "--seed", String(seed)]
        for flag in ["audio", "calls", "tapes", "loops", "dial-limit"] {
            if let value = arguments.text(flag) { words += ["--\(flag)", value] }
        }
        for text in arguments.all("set") { words += ["--set", text] }
        if arguments.has("insecure") { words.append("--insecure") }
        commandLine = words.map(Self.quoted).joined(separator: " ")
        opening = scenario.opening
    }

    /// Schemes may be written in capitals (RFC 3986 §3.1).
    private static func withPlainScheme(_ text: String) -> String {
        guard let mark = text.firstRange(of: "://") else { return text }
        return text[..<mark.lowerBound].lowercased() + text[mark.lowerBound...]
    }

    private static func quoted(_ word: String) -> String {
        let plain = word.utf8.allSatisfy { byte in
            byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a || byte >= 0x2b && byte <= 0x3a
                || byte == 0x3d
                || byte == 0x5f
        }
        return plain
            ? word
            : "'"
                + word.split(separator: "'", omittingEmptySubsequences: false).joined(
                    separator: "'\\''") + "'"
    }
}
