import Glibc
import UproarCore
import UproarFaults
import UproarLinks
import UproarPosix
import UproarRuntime

/// `uproar link` as a run's child: relays on the arrows that its timeline names.
package enum LinkProcess {
    package static func run(config: String, say: @escaping (String) -> Void) throws -> ExitCode {
        let configuration = try LinkConfiguration(json: try ConfigFile.read(config))
        _ = DescriptorLimit.raise()
        let isChild = getenv(ControlSocket.variable) != nil
        let clock = configuration.epoch.flatMap { isChild ? RunClock(epoch: $0) : nil }
        let driver = try PosixDriver(clock: clock ?? .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        let side = try ChildSide(name: "link", loop: loop, network: network)
        let links = LinkSet(loop: loop, network: network, facts: side.facts)
        var ports: [(String, UInt16)] = []
        do {
            for link in configuration.links {
                let port = try links.add(
                    link.arrow, upstream: link.upstream, mayFlush: configuration.mayFlush)
                ports.append((links.relays.last?.settings.name ?? "", port))
                say("link: \(link.arrow) 127.0.0.1:\(port) -> \(link.upstream)")
            }
        } catch {
            side.fail("\(error)")
            say("link: \(error)")
            return .usage
        }
        let signals = try SignalSource(driver: driver, signals: [SIGINT, SIGTERM]) { _ in
            loop.stop()
        }
        side.onArm = { plan in
            if let problem = links.arm(plan) { side.fail("\(plan.id): \(problem)") }
        }
        side.onClear = { links.clear($0) }
        side.onDrain = {
            side.finish(evidence: links.evidence)
        }
        side.ready(ports: ports)
        loop.run()
        // Spawned for a run, it ends with the run, and its connections with it.
        links.close()
        withExtendedLifetime((signals, side)) {}
        return .passed
    }
}
