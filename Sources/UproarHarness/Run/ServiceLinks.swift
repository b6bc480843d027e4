import UproarCore
import UproarFaults
import UproarLinks
import UproarPosix
import UproarRuntime
import UproarScenario
import UproarWire

/// The links of a live run: one process for the arrows behind the agent, made before it, and one for the arrow before it, made
/// once it serves. Neither is there when no arrow is named.
final class ServiceLinks {
    let plan: LinkPlan
    private(set) var behind: ChildProcess?
    private(set) var before: ChildProcess?
    private let clock: RunClock
    /// Waits for the link before the agent.
    private var afterLink: (([String: UInt16]) -> Void)?

    /// The names of their files and in reports.
    static let behindName = "link"
    static let beforeName = "link-callers"

    init(_ scenario: Scenario, clock: RunClock) {
        plan = LinkPlan(scenario)
        self.clock = clock
    }

    /// What carries an arrow's faults.
    func control(of arrow: LinkArrow) -> ControlConnection? {
        guard plan.arrows.contains(arrow) else { return nil }
        return arrow == .callersToAgent ? before?.control : behind?.control
    }

    /// Whether the agent has to wait for links of its own.
    var mustStartBehind: Bool { !plan.behindAgent.isEmpty && behind == nil }
    var isWaiting: Bool { !plan.behindAgent.isEmpty && behind?.ports.isEmpty ?? true }

    /// - ports: of emulators and Redis, by provider name.
    func startBehind(_ ports: [String: UInt16], _ start: (ChildPlan) -> ChildProcess?) {
        var configuration = LinkConfiguration(epoch: clock.epoch)
        for arrow in plan.behindAgent {
            guard let port = ports[arrow.to] else { continue }
            configuration.links.append((arrow, .loopback(port)))
        }
        behind = start(Self.child(Self.behindName, configuration))
    }

    /// The ports as the agent is to know them.
    func seenByAgent(_ ports: [String: UInt16]) -> [String: UInt16] {
        guard let behind else { return ports }
        return ports.reduce(into: [:]) { seen, entry in
            let arrow = LinkArrow(from: "agent", to: entry.key)
            seen[entry.key] = behind.ports[arrow.description] ?? entry.value
        }
    }

    /// One link before each address of the agent; `then` gets what makes a link's URL of an agent's.
    func startBefore(
        _ urls: [WireURL], _ start: (ChildPlan) -> ChildProcess?,
        then: @escaping (@escaping (WireURL) -> WireURL) -> Void
    ) {
        var configuration = LinkConfiguration(epoch: clock.epoch)
        configuration.mayFlush = false
        var places: [Endpoint] = []
        for url in urls {
            let place = Endpoint.tcp(host: url.host, port: url.port)
            if !places.contains(place) { places.append(place) }
        }
        configuration.links = places.map { (.callersToAgent, $0) }
        afterLink = { ports in
            then { url in
                let place = Endpoint.tcp(host: url.host, port: url.port)
                guard let index = places.firstIndex(of: place),
                    let port = ports[LinkSet.name(.callersToAgent, index)]
                else { return url }
                var linked = url
                (linked.host, linked.port) = ("127.0.0.1", port)
                return linked
            }
        }
        before = start(Self.child(Self.beforeName, configuration))
    }

    /// Whether the child that is ready is a link before the agent.
    func isReady(_ child: ChildProcess) -> Bool {
        guard child === before else { return false }
        let then = afterLink
        afterLink = nil
        then?(child.ports)
        return true
    }

    func drain() {
        before?.drain()
        behind?.drain()
    }

    private static func child(_ name: String, _ configuration: LinkConfiguration) -> ChildPlan {
        var plan = ChildPlan(name: name, config: configuration.json)
        plan.arguments = ["link"]
        return plan
    }
}
