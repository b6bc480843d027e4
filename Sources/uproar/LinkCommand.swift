import UproarCore
import UproarHarness

extension Command {
    static let link = Command(
        name: "link", summary: "a relay with faults, alone",
        form: "--listen HOST:PORT --upstream HOST:PORT [--fault 'NAME key=value …']",
        text: """
            Stands between a client and a server and does to their connections what its faults say (`uproar list faults`: those marked link;
            with --udp those marked media). Redis' own faults need --redis. With --control it takes Toxiproxy's HTTP calls, so clients of
            Toxiproxy work. More: docs/link.md.

              uproar link --listen 127.0.0.1:6380 --upstream 127.0.0.1:6379 --redis --fault 'hang commands=write for=10s'
              uproar link --control 127.0.0.1:8474
            """,
        flags: [
            Arguments.Flag("listen", "HOST:PORT", "where clients connect; port 0 takes a free one"),
            Arguments.Flag("upstream", "HOST:PORT", "where their connections lead"),
            Arguments.Flag(
                "fault", "TEXT", "a fault from the start on, as 'delay delay=100ms p=1/2 for=30s'",
                repeats: true),
            Arguments.Flag("redis", nil, "the upstream is a Redis: faults may act on commands"),
            Arguments.Flag("udp", nil, "datagrams in place of connections"),
            Arguments.Flag(
                "control", "HOST:PORT", "take Toxiproxy's calls there (8474 is its usual port)"),
            Arguments.Flag("name", "NAME", "what the link is called (link)"),
            CommonFlags.seed,
            Arguments.Flag(
                "allow", "HOST", "a host beside this machine's own that may be named",
                repeats: true),
            Arguments.Flag(
                "allow-flush", nil, "restart_empty may remove every key of the upstream"),
            Arguments.Flag(
                "config", "FILE", "settings as a run leaves them in children/link.yaml"),
        ]
    ) { arguments in
        func say(_ line: String) { Terminal.standardError(line + "\n") }
        if let config = arguments.text("config") {
            return try LinkProcess.run(config: config, say: say)
        }
        var link = StandAloneLink()
        link.name = arguments.text("name") ?? link.name
        link.listen = arguments.text("listen")
        link.upstream = arguments.text("upstream")
        link.faults = arguments.all("fault")
        link.readsRedis = arguments.has("redis")
        link.isDatagrams = arguments.has("udp")
        link.mayFlush = arguments.has("allow-flush")
        link.control = arguments.text("control")
        link.allowed = arguments.all("allow")
        link.seed = try arguments.seed() ?? 1
        return try link.run(say: say)
    }
}
