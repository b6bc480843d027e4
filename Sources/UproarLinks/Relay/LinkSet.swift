import UproarCore
import UproarFaults
import UproarRuntime

/// The relays of one process, each on its arrow: faults are armed by the names that they act on.
package final class LinkSet {
    package private(set) var relays: [LinkRelay] = []
    private let loop: EventLoop
    private let network: any Network
    private let facts: any FactSink
    /// Numbers of the plans that are armed, by id.
    private var numbers = OrderedTable<String, UInt32>()

    /// No plan is armed.
    package var isClear: Bool { numbers.isEmpty }

    package init(loop: EventLoop, network: any Network, facts: any FactSink) {
        self.loop = loop
        self.network = network
        self.facts = facts
    }

    /// Of one of several relays on the same arrow: `callers->agent`, `callers->agent#2`.
    package static func name(_ arrow: LinkArrow, _ ordinal: Int) -> String {
        ordinal == 0 ? arrow.description : "\(arrow)#\(ordinal + 1)"
    }

    /// Puts a relay on an arrow whose end is there already; its port is the loop's to choose.
    package func add(_ arrow: LinkArrow, upstream: Endpoint, mayFlush: Bool) throws(NetworkError)
        -> UInt16
    {
        let ordinal = relays.count { $0.settings.names.contains(arrow.description) }
        var settings = LinkRelay.Settings(name: Self.name(arrow, ordinal), upstream: upstream)
        settings.names = [arrow.description]
        settings.readsRedis = arrow.isRedis
        settings.mayFlush = mayFlush && arrow.isRedis
        if arrow.isRedis { settings.names.append(arrow.to) }
        settings.isBeforeCallers = arrow == .callersToAgent
        settings.tellsExchanges = !arrow.isRedis && !settings.isBeforeCallers
        let relay = try LinkRelay(
            settings, on: .loopback(0), loop: loop, network: network)
        relay.onEffect = { [facts] plan, port, direction, now in
            facts.state(
                Fact(
                    .faultEffective, at: now,
                    value: LinkSite(arrow, port: port, direction: direction).value,
                    detail: plan.number, origin: .link))
        }
        relays.append(relay)
        return relay.endpoint?.port ?? 0
    }

    /// Arms a plan at every relay that it names. Says what is wrong with it otherwise.
    package func arm(_ plan: FaultPlan) -> String? {
        let named = relays.filter { relay in
            plan.scope.on.contains(where: relay.settings.names.contains)
        }
        guard !named.isEmpty else {
            return "there is no link on \(plan.scope.on.joined(separator: ", "))"
        }
        for relay in named {
            if let problem = relay.arm(plan) { return problem }
        }
        numbers[plan.id] = plan.number
        return nil
    }

    package func clear(_ id: String) {
        for relay in relays { relay.clear(id) }
        guard let number = numbers[id] else { return }
        numbers[id] = nil
        facts.state(Fact(.faultCleared, at: loop.now, detail: number, origin: .link))
    }

    /// What each relay carried, by its name.
    package var evidence: JSONValue {
        .object(
            relays.map { relay in
                .init(
                    relay.settings.name,
                    [
                        "connections": JSONValue(relay.counts.connections),
                        "refused": JSONValue(relay.counts.refused),
                        "bytes_up": JSONValue(relay.counts.bytesUp),
                        "bytes_down": JSONValue(relay.counts.bytesDown),
                    ])
            })
    }

    package func close() { for relay in relays { relay.close() } }
}
