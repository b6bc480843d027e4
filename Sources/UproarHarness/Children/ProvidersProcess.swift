import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarProviders
import UproarRuntime
import UproarScenario

/// `uproar providers`: the emulated vendors as a process of their own, by hand or as a run's child.
package enum ProvidersProcess {
    /// - print: takes the lines of `--print-env`; nil prints none. - prices: nil where nobody knows them.
    package static func run(
        _ configuration: ProviderConfiguration, prices: PriceBook? = nil,
        say: @escaping (String) -> Void, print: ((String) -> Void)? = nil
    ) throws -> ExitCode {
        _ = DescriptorLimit.raise()
        let isChild = getenv(ControlSocket.variable) != nil
        let clock = configuration.epoch.flatMap { isChild ? RunClock(epoch: $0) : nil }
        let driver = try PosixDriver(clock: clock ?? .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        let side = try ChildSide(name: "providers", loop: loop, network: network)
        let attachPoint =
            isChild
            ? nil
            : try AttachPoint(
                port: configuration.attachPort, clock: driver.clock,
                seed: configuration.settings.seed, isTagging: configuration.settings.isTagging,
                network: network)
        let worker = try BackgroundThread(name: "voice", loop: loop)
        let assembly: ProvidersAssembly
        do {
            assembly = try ProvidersAssembly(
                configuration.settings, corpus: try configuration.corpus(), loop: loop,
                network: network, worker: worker, facts: attachPoint ?? side.facts,
                shelf: VoiceCache.usual(),
                secure: try configuration.secure?.open(now: Int64(time(nil))),
                addresses: configuration.secure?.addresses ?? [],
                relays: try UpstreamRelays(
                    configuration.upstreams, log: configuration.upstreamLog))
        } catch {
            side.fail("\(error)")
            say("providers: \(error)")
            return .usage
        }
        // Each reason once: a client that is not told of the authority tries again and again.
        var told: Set<String> = []
        assembly.context.onTLSFailure = { provider, words in
            let line = "providers: \(provider.name): TLS failed: \(words)"
            if told.count < 100, told.insert(line).inserted { say(line) }
        }
        let door =
            isChild
            ? nil
            : try RequestDoor(
                port: configuration.watchPort,
                words: { [references = assembly.context.references] in references.words($0) },
                prices: prices,
                counters: {
                    RequestCounters(
                        log: assembly.context.requests, providers: assembly.counters,
                        prices: prices)
                }, network: network)
        let outbox = RequestTray()
        assembly.context.requests.onRequest = { request in
            if isChild { outbox.box.put(request) }
            door?.take(request)
            attachPoint?.take(request)
        }
        // A run decides about faults itself; by hand a client's key may ask for them.
        if !isChild { assembly.context.interference = KeyFaults() }
        let signals = try SignalSource(driver: driver, signals: [SIGINT, SIGTERM]) { _ in
            assembly.close()
            loop.stop()
        }
        attachPoint?.evidence = { assembly.evidence }
        // These emulators go on when the run is over: what is open is told of as it stands.
        attachPoint?.unfinished = { assembly.context.requests.unfinished(at: loop.now) }
        side.onDrain = {
            assembly.finish(at: loop.now)
            while let requests = outbox.box.take() { side.tell(["requests": requests]) }
            side.finish(evidence: assembly.evidence)
        }
        side.onArm = { plan in
            if !assembly.faults.arm(plan) {
                side.fail("the emulators know no fault \(plan.fault)")
            }
        }
        side.onClear = { assembly.faults.clear($0) }
        side.onFlush = {
            let decisions = assembly.faults.takeDecisions()
            var told: [JSONValue.Member] = []
            if !decisions.isEmpty {
                told.append(.init("decisions", .array(decisions.map(\.json))))
            }
            if let requests = outbox.box.take() { told.append(.init("requests", requests)) }
            return told.isEmpty ? nil : .object(told)
        }
        assembly.prepare {
            side.ready(ports: assembly.ports)
            for (name, port) in assembly.ports {
                say("providers: \(name) \(configuration.settings.host):\(port)")
            }
            for upstream in configuration.upstreams {
                say("providers: \(upstream.provider.name) is passed on to \(upstream.url)")
            }
            if let secure = configuration.secure {
                say(
                    "providers: wss:// and https:// at the same ports, trust \(secure.trust.certificate)"
                )
            }
            if let print {
                Self.environment(of: assembly.ports, trust: configuration.secure?.trust)
                    .forEach(print)
            }
            if let door { say("providers: requests \(door.url)") }
            if let attachPoint {
                say(
                    "providers: attach \(attachPoint.url) (seed \(configuration.settings.seed.value))"
                )
            }
        }
        loop.run()
        withExtendedLifetime((signals, side, assembly, worker, attachPoint, door)) {}
        return .passed
    }

    /// The outbox where two closures reach it.
    private final class RequestTray {
        var box = RequestOutbox()
    }

    /// For `eval`: what points each library at the emulators, and for those that only an argument helps, the address to give
    /// them under a name of our own.
    package static func environment(of ports: [(String, UInt16)], trust: TrustFiles? = nil)
        -> [String]
    {
        let table = Dictionary(ports, uniquingKeysWith: { first, _ in first })
        var lines = AgentAddresses(ports: table).environment.map {
            "export \($0.name)=\($0.value)"
        }
        for (name, port) in ports {
            let address = "127.0.0.1:\(port)"
            lines.append("export UPROAR_\(name.uppercased())_HTTP=http://\(address)")
            lines.append("export UPROAR_\(name.uppercased())_WS=ws://\(address)")
            guard trust != nil else { continue }
            lines.append("export UPROAR_\(name.uppercased())_HTTPS=https://\(address)")
            lines.append("export UPROAR_\(name.uppercased())_WSS=wss://\(address)")
        }
        guard let trust else { return lines }
        lines.append("# Trust the authority of these emulators, and who was trusted before:")
        lines += trust.environment.map { "export \($0.name)=\($0.value)" }
        // Java keeps a store of its own, browsers and Go on other systems the system's.
        lines.append("# What reads none of these is told of \(trust.certificate) by its own means.")
        return lines
    }

    /// As the command line has it: a run's file, or the shipped conversation and corpus on these ports.
    package static func run(
        config: String?, scenario: String, seed: UInt64, firstPort: Int?, isSecure: Bool = false,
        say: @escaping (String) -> Void, print: ((String) -> Void)? = nil
    ) throws -> ExitCode {
        if let config {
            return try run(
                ProviderConfiguration(json: try ConfigFile.read(config)), say: say, print: print)
        }
        let loaded = try LoadedScenario.file(scenario, overrides: ["seed=\(seed)"])
        let (plan, _, _) = try ScenarioLoading.plan(
            loaded.scenario, seed: loaded.seed)
        var configuration = ProviderConfiguration(
            plan: plan, epoch: nil, epochSeconds: Int64(time(nil)))
        if let firstPort {
            configuration.place(from: UInt16(firstPort))
            configuration.attachPort = UInt16(firstPort + 99)
            configuration.watchPort = UInt16(firstPort + 98)
        }
        if isSecure {
            // One place for each port: who has been told of it once finds the next certificate there, too.
            let name = firstPort.map { "providers-\($0)" } ?? "providers"
            configuration.secure = SecureListening(
                trust: TrustFiles(folder: try StateFolder.made(name)),
                hosts: [configuration.settings.host])
        }
        return try run(configuration, prices: loaded.scenario.prices, say: say, print: print)
    }
}
