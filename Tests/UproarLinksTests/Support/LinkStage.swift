import UproarCore
import UproarFaults
import UproarLinks
import UproarRuntime
import UproarSimulation

/// A relay in a simulated world, between clients and a server that writes down what it hears.
final class LinkStage: ListenerHandler {
    let world = SimulatedWorld()
    private(set) var relay: LinkRelay!
    private(set) var served: [LinkPeer] = []
    private(set) var effects: [(id: String, at: Instant)] = []
    /// On which connection, and which way, of each effect.
    private(set) var sites: [(port: UInt16, direction: LinkDirection?)] = []
    var onServed: ((LinkPeer) -> Void)?
    private var listener: (any Listener)?

    init(
        readsRedis: Bool = false, upstream: Endpoint? = nil,
        change: (inout LinkRelay.Settings) -> Void = { _ in }
    ) throws {
        if upstream == nil {
            listener = try world.network.listen(
                on: .loopback(0), options: ListenOptions(), handler: self)
        }
        var settings = LinkRelay.Settings(
            name: "agent->deepgram", upstream: upstream ?? listener?.endpoint ?? .loopback(1))
        settings.readsRedis = readsRedis
        settings.mayFlush = readsRedis
        if readsRedis { settings.names.append("redis") }
        change(&settings)
        relay = try LinkRelay(
            settings, on: .loopback(0), loop: world.loop, network: world.network)
        relay.onEffect = { [unowned self] plan, port, direction, at in
            effects.append((plan.id, at))
            sites.append((port, direction))
        }
    }

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        let end = LinkPeer()
        end.stream = stream
        served.append(end)
        onServed?(end)
        return end
    }

    /// Connects and lets both sides hear of it.
    func connect() -> LinkPeer {
        let end = LinkPeer()
        end.stream = world.network.connect(
            to: relay.endpoint ?? .loopback(1), options: ConnectOptions(), handler: end)
        world.run(for: .zero)
        return end
    }

    /// Arms a fault from now on.
    @discardableResult
    func arm(
        _ fault: String, for time: Duration = .seconds(10), id: String = "f", number: UInt32 = 1,
        _ attributes: [(String, FaultDescriptor.Value)] = [], chance: Chance = .always,
        change: (inout FaultPlan) -> Void = { _ in }
    ) -> String? {
        var plan = FaultPlan(
            id: id, number: number, fault: fault, attributes: FaultAttributes(attributes),
            window: .init(from: world.now, until: world.now + time), seed: Seed(7))
        plan.scope.chance = chance
        change(&plan)
        return relay.arm(plan)
    }

    func run(_ time: Duration) { world.run(for: time) }
}

extension FaultDescriptor.Value {
    static func ms(_ value: Int) -> Self { .duration(.milliseconds(value)) }
    static func draw(ms value: Int) -> Self { .distribution(.constant(.milliseconds(value))) }
}
