import UproarCore
import UproarHarness

extension Command {
    private static let demandFlags = [
        Arguments.Flag("result", "FILE", "capacity.json, result.json, or a folder that holds one"),
        Arguments.Flag(
            "call-length", "DISTRIBUTION", "of calls without one (lognormal(p50=150s, p95=600s))"),
        Arguments.Flag("node", "NAME", "a machine of the node file (n2-standard-4)"),
        Arguments.Flag("node-file", "FILE", "machines and prices (scenarios/nodes/list-2025.yaml)"),
        Arguments.Flag("pod-cores", "CORES", "of our pod (1)"),
        Arguments.Flag("pod-memory", "SIZE", "of our pod (1024MiB)"),
        Arguments.Flag("max-jobs", "N", "calls the agent takes at the most, where it has a limit"),
        Arguments.Flag("zones", "N", "zones of the cluster (3)"), CommonFlags.out,
        CommonFlags.seed,
    ]

    static let size = Command(
        name: "size",
        summary: "pods, nodes, quotas and dollars for so many calls, with Kubernetes manifests",
        form: "--result reports/capacity-NAME (--calls N | --calls-from HISTORY.csv)",
        text: """
            Everything follows from what was measured and from assumptions, each of which is printed. The plan survives a pod, a node and a
            zone; the manifests it writes say which values were measured. Nobody is called.
            """,
        flags: demandFlags + [
            Arguments.Flag("calls", "N", "calls under way at the peak"),
            Arguments.Flag("calls-from", "FILE", "a call log: start, length in seconds"),
            Arguments.Flag("utilisation", "SHARE", "mean calls by peak ones over a month (30%)"),
            Arguments.Flag("phone", "SHARE", "calls that come by telephone (100%)"),
            Arguments.Flag(
                "image", "NAME", "the agent's container image (registry.example.test/voice-agent:1)"
            ),
        ]
    ) { arguments in
        let basis = try SizeRun.basis(try arguments.result())
        var demand = try arguments.demand()
        demand.calls = try arguments.integer("calls", in: 1...10_000_000)
        demand.history = arguments.text("calls-from")
        demand.utilisation = try arguments.share("utilisation")
        demand.phoneShare = try arguments.share("phone", allowingNone: true)
        if demand.calls != nil, demand.history != nil {
            throw Arguments.Mistake(text: "--calls and --calls-from: one of the two says how many")
        }
        let plan = try SizeRun.plan(basis, demand)
        Terminal.standardOutput(
            try SizeRun.size(
                plan, image: arguments.text("image") ?? "registry.example.test/voice-agent:1",
                out: arguments.text("out") ?? RunFolder.defaultPath(scenario: "size")))
        return .passed
    }

    static let autoscale = Command(
        name: "autoscale",
        summary: "a day of calls under the guides' autoscalers and ours: refused, cut, p95, cost",
        form: "--result reports/capacity-NAME --traffic FILE.csv|office|evening|flash|flat",
        text: """
            Simulates a Kubernetes autoscaler call by call: stabilisation windows, policies, start-up, drain and kill. What a call costs a
            pod and how latency follows load are those of the result.
            """,
        flags: demandFlags + [
            Arguments.Flag("traffic", "FILE|SHAPE", "a call log, or the name of a shape"),
            Arguments.Flag("peak", "N", "of a shape: calls under way at its peak (100)"),
            Arguments.Flag("calls-per-day", "N", "of a shape: calls in all, in place of --peak"),
        ]
    ) { arguments in
        let basis = try SizeRun.basis(try arguments.result())
        var demand = try arguments.demand()
        guard let traffic = arguments.text("traffic") else {
            throw Arguments.Mistake(
                text: "--traffic is due: a call log, or office, evening, flash, flat")
        }
        demand.calls = try arguments.integer("peak", in: 1...1_000_000)
        var day = SizeRun.Day(traffic: traffic, version: Version.text)
        day.callsPerDay = try arguments.integer("calls-per-day", in: 1...5_000_000)
        if demand.calls != nil, day.callsPerDay != nil {
            throw Arguments.Mistake(
                text: "--peak and --calls-per-day: one of the two says how many")
        }
        Terminal.standardOutput(
            try SizeRun.autoscale(
                basis, demand, day,
                out: arguments.text("out") ?? RunFolder.defaultPath(scenario: "autoscale")))
        return .passed
    }
}

extension Arguments {
    fileprivate func result() throws(Mistake) -> String {
        guard rest.isEmpty else {
            throw Mistake(text: "what is \(rest[0])? the result is named by --result")
        }
        guard let path = text("result") else {
            throw Mistake(text: "--result is due: the folder of a search for capacity, or of a run")
        }
        return path
    }

    fileprivate func demand() throws(Mistake) -> SizeRun.Demand {
        var demand = SizeRun.Demand()
        if let text = text("call-length") {
            do throws(TextProblem) { demand.callLength = try DistributionText.parse(text) } catch {
                throw Mistake(
                    text: "'--call-length \(text)': \(error.reason)\n  allowed: \(error.allowed)")
            }
        }
        if let node = text("node") { demand.node = node }
        demand.nodeFile = text("node-file")
        if let text = text("pod-cores") {
            guard let cores = Double(text), (0.05...256).contains(cores) else {
                throw Mistake(
                    text: "'--pod-cores \(text)': cores from 0.05 to 256 are allowed, as 2")
            }
            demand.podCores = cores
        }
        if let text = text("pod-memory") {
            let units = [("GiB", 1_073_741_824.0), ("MiB", 1_048_576), ("GB", 1e9), ("MB", 1e6)]
            guard let unit = units.first(where: { text.hasSuffix($0.0) }),
                let count = Double(text.dropLast(unit.0.count)), count > 0, count < 1e6
            else {
                throw Mistake(
                    text: "'--pod-memory \(text)': a size such as 1024MiB or 2GiB is allowed")
            }
            demand.podMemory = count * unit.1
        }
        demand.maxJobs = try integer("max-jobs", in: 1...100_000)
        demand.zones = try integer("zones", in: 1...10) ?? 3
        demand.seed = try seed() ?? 1
        return demand
    }
}
