import Glibc
import UproarCore
import UproarPosix
import UproarRuntime

/// `uproar calibration-target`: the child that `uproar calibrate` measures.
package enum CalibrationProcess {
    package static func run(config: String, say: @escaping (String) -> Void) throws -> ExitCode {
        let file = try ConfigFile.read(config)
        guard let epoch = file["epoch_ns"]?.int, let delay = file["delay_ns"]?.int else {
            throw ScenarioLoading.Problem("\(config): epoch_ns and delay_ns are due")
        }
        _ = DescriptorLimit.raise()
        let driver = try PosixDriver(clock: RunClock(epoch: Int64(epoch)))
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        let side = try ChildSide(name: "calibration-target", loop: loop, network: network)
        let target = CalibrationTarget(
            loop: loop, facts: side.facts, delay: .nanoseconds(Int64(delay)))
        let listener = try network.listen(
            on: .loopback(0), options: ListenOptions(), handler: target)
        let signals = try SignalSource(driver: driver, signals: [SIGINT, SIGTERM]) { _ in
            loop.stop()
        }
        side.onDrain = { side.finish(evidence: .object([])) }
        side.ready(ports: [("media", listener.endpoint.port)])
        loop.run()
        withExtendedLifetime((signals, side, target, listener)) {}
        return .passed
    }
}
