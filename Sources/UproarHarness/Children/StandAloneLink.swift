import Glibc
import UproarCore
import UproarFaults
import UproarLinks
import UproarPosix
import UproarRuntime
import UproarScenario

/// `uproar link` by hand: one relay with faults, a control interface, or both.
package struct StandAloneLink {
    package var name = "link"
    package var listen: String?
    package var upstream: String?
    package var isDatagrams = false
    package var readsRedis = false
    package var mayFlush = false
    /// Each in one line: `delay delay=100ms`.
    package var faults: [String] = []
    package var control: String?
    package var allowed: [String] = []
    package var seed: UInt64 = 1

    package init() {}

    /// - say: takes lines for people: where it listens, and each fault when it first bites.
    package func run(say: @escaping (String) -> Void) throws -> ExitCode {
        let ends = try ends()
        let plans = try plans()
        _ = DescriptorLimit.raise()
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        let signals = try SignalSource(driver: driver, signals: [SIGINT, SIGTERM]) { _ in
            loop.stop()
        }
        let teller = EffectTeller(say: say)
        let table = ProxyTable(
            allowedHosts: allowed, loop: loop, network: network, seed: Seed(seed))
        table.onEffect = { teller.tell($0, $1, $2) }
        var datagrams: DatagramRelay?
        do throws(NetworkError) {
            if let ends, isDatagrams {
                let relay = try DatagramRelay(
                    name: name, on: ends.listen, upstream: ends.upstream, loop: loop,
                    network: network)
                relay.onEffect = { [name] in teller.tell(name, $0, $1) }
                datagrams = relay
                say("link: \(name) udp \(relay.endpoint ?? ends.listen) -> \(ends.upstream)")
            } else if let ends {
                let proxy = LinkProxy(
                    name: name, listen: ends.listen, upstream: ends.upstream, loop: loop,
                    network: network, seed: Seed(seed))
                proxy.readsRedis = readsRedis
                proxy.mayFlush = mayFlush
                table.add(proxy)
                try proxy.enable()
                say("link: \(name) \(proxy.listen) -> \(ends.upstream)")
            }
        } catch { throw ScenarioLoading.Problem("link: \(error)") }
        for plan in plans {
            let problem = datagrams?.arm(plan) ?? table.proxies.first?.arm(standing: plan)
            if let problem { throw ScenarioLoading.Problem("--fault \(plan.fault): \(problem)") }
        }
        let server = try serve(table, network)
        if let endpoint = server?.endpoint { say("link: control http://\(endpoint)") }
        loop.run()
        say("link: " + evidence(table, datagrams))
        table.close()
        datagrams?.close()
        withExtendedLifetime((signals, server)) {}
        return .passed
    }

    private func serve(_ table: ProxyTable, _ network: PosixNetwork) throws -> ControlServer? {
        guard let control else { return nil }
        let endpoint = try address(control, "--control")
        do { return try ControlServer(table, on: endpoint, network: network) } catch {
            throw ScenarioLoading.Problem("--control \(control): \(error)")
        }
    }

    private func ends() throws -> (listen: Endpoint, upstream: Endpoint)? {
        switch (listen, upstream) {
        case (let listen?, let upstream?):
            return (try address(listen, "--listen"), try address(upstream, "--upstream"))
        case (nil, nil):
            guard control != nil else {
                throw ScenarioLoading.Problem(
                    "nothing to do: --listen HOST:PORT and --upstream HOST:PORT, or --control HOST:PORT, are due"
                )
            }
            guard faults.isEmpty else {
                throw ScenarioLoading.Problem("--fault needs --listen and --upstream")
            }
            return nil
        case (nil, _): throw ScenarioLoading.Problem("--upstream needs --listen HOST:PORT")
        case (_, nil): throw ScenarioLoading.Problem("--listen needs --upstream HOST:PORT")
        }
    }

    private func address(_ text: String, _ flag: String) throws -> Endpoint {
        guard let endpoint = LinkAddress.parse(text), case .tcp(let host, _) = endpoint else {
            throw ScenarioLoading.Problem("\(flag) \(text): HOST:PORT is due, as 127.0.0.1:6380")
        }
        guard LinkAddress.isOwn(host) || allowed.contains(host) else {
            throw ScenarioLoading.Problem(
                "\(flag) \(text): \(host) is not this machine; to allow it by name: --allow \(host)"
            )
        }
        return endpoint
    }

    private func plans() throws -> [FaultPlan] {
        let known =
            isDatagrams
            ? PacketFaultCatalog.all.map { $0.descriptor }
            : LinkFaultCatalog.all.map { $0.descriptor }
        return try faults.enumerated().map { index, text in
            let fault: FaultText
            do throws(TextProblem) { fault = try FaultText(text, among: known) } catch {
                throw ScenarioLoading.Problem(
                    "--fault \"\(text)\": \(error.reason)\n    allowed: \(error.allowed)\n    more: docs/link.md"
                )
            }
            var plan = FaultPlan(
                id: "\(fault.name)-\(index + 1)", number: UInt32(index), fault: fault.name,
                attributes: FaultAttributes(fault.attributes.map { ($0.name, $0.value) }),
                window: .init(
                    from: .zero, until: fault.lasting.map { .zero + $0 } ?? .distantFuture),
                seed: Seed(seed))
            plan.scope.chance = fault.chance
            plan.scope.conditions = fault.conditions.map { .init($0.key, $0.value) }
            return plan
        }
    }

    private func evidence(_ table: ProxyTable, _ datagrams: DatagramRelay?) -> String {
        if let datagrams {
            return "\(datagrams.received) datagrams received, \(datagrams.sent) sent"
        }
        return table.proxies.map { proxy in
            "\(proxy.name): \(proxy.counts.connections) connections, \(proxy.counts.bytesUp) bytes up, \(proxy.counts.bytesDown) down"
        }.joined(separator: "; ")
    }
}

/// Says once of each fault that it bit, and when.
private final class EffectTeller {
    private var told: Set<String> = []
    private let say: (String) -> Void
    init(say: @escaping (String) -> Void) { self.say = say }

    func tell(_ link: String, _ plan: FaultPlan, _ now: Instant) {
        guard told.insert("\(link) \(plan.id) \(plan.number)").inserted else { return }
        say("link: \(link): \(plan.id) took effect at \(NumberText.duration(now - .zero))")
    }
}
