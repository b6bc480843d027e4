import UproarCore
import UproarFaults
import UproarRuntime

/// A relay as the control interface has it: with a name, an address, a switch and toxics (what Toxiproxy calls faults).
package final class LinkProxy {
    package let name: String
    package private(set) var listen: Endpoint
    package private(set) var upstream: Endpoint
    package private(set) var isEnabled = false
    private(set) var toxics: [Toxic] = []
    /// Faults from the command line, armed anew whenever the relay is made.
    package var standing: [FaultPlan] = []
    package var readsRedis = false
    package var mayFlush = false
    package var onEffect: ((FaultPlan, Instant) -> Void)?

    private let loop: EventLoop
    private let network: any Network
    private let seed: Seed
    private var relay: LinkRelay?
    private var draws = 0
    private var lastNumber: UInt32 = 1_000

    package init(
        name: String, listen: Endpoint, upstream: Endpoint, loop: EventLoop,
        network: any Network, seed: Seed
    ) {
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.loop = loop
        self.network = network
        self.seed = seed
    }

    /// What each direction carried since it was last enabled.
    package var counts: LinkRelay.Counts { relay?.counts ?? .init() }

    package func enable() throws(NetworkError) {
        guard !isEnabled else { return }
        var settings = LinkRelay.Settings(name: name, upstream: upstream)
        settings.readsRedis = readsRedis
        settings.mayFlush = mayFlush
        if readsRedis { settings.names.append(ProviderID.redis.name) }
        let relay = try LinkRelay(settings, on: listen, loop: loop, network: network)
        relay.extraFaults = [LinkSwallowFault.self]
        relay.onEffect = { [weak self] plan, _, _, now in self?.onEffect?(plan, now) }
        self.relay = relay
        // Port 0 becomes the one that was given out, and stays.
        listen = relay.endpoint ?? listen
        isEnabled = true
        for plan in standing { _ = relay.arm(plan) }
        for toxic in toxics { arm(toxic) }
    }

    package func disable() {
        relay?.close()
        relay = nil
        isEnabled = false
    }

    /// Arms a fault of the command line for as long as the proxy lives. Says what is wrong with it.
    package func arm(standing plan: FaultPlan) -> String? {
        if let problem = relay?.arm(plan) { return problem }
        standing.append(plan)
        return nil
    }

    func move(listen: Endpoint, upstream: Endpoint) {
        guard listen != self.listen || upstream != self.upstream else { return }
        disable()
        self.listen = listen
        self.upstream = upstream
    }

    // MARK: Toxics

    func toxic(_ name: String) -> Toxic? { toxics.first { $0.name == name } }

    func add(_ toxic: Toxic) {
        toxics.append(toxic)
        redraw()
    }

    func update(_ toxic: Toxic) {
        guard let index = toxics.firstIndex(where: { $0.name == toxic.name }) else { return }
        toxics[index] = toxic
        redraw()
    }

    func remove(_ name: String) {
        toxics.removeAll { $0.name == name }
        relay?.clear(name)
    }

    func removeToxics() { for toxic in toxics { remove(toxic.name) } }

    /// A change of one toxic throws the dice of all of them anew, as Toxiproxy does.
    private func redraw() {
        draws += 1
        for toxic in toxics { arm(toxic) }
    }

    private func arm(_ toxic: Toxic) {
        lastNumber &+= 1
        guard let fault = toxic.fault else { return }
        var plan = FaultPlan(
            id: toxic.name, number: lastNumber, fault: fault.name, attributes: fault.attributes,
            window: .init(from: loop.now, until: .distantFuture),
            seed: Seed(seed.key("toxic", UInt64(draws))))
        plan.scope.chance = toxic.chance
        _ = relay?.arm(plan)
    }
}
