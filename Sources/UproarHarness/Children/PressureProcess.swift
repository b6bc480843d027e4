import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarRuntime

/// `uproar pressure`: the helper of a pressure fault. It takes what it is told to, owns it, and goes when the run does or when its
/// fault's window is over.
package enum PressureProcess {
    package static func run(config: String) throws -> ExitCode {
        let file = try ConfigFile.read(config)
        guard let plan = file["plan"].flatMap(FaultPlan.init(json:)),
            let number = file["number"]?.int
        else { throw ScenarioLoading.Problem("\(config) is no plan of a pressure fault") }
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        let side = try ChildSide(name: "pressure", loop: loop, network: network)
        guard side.isAttached else {
            throw ScenarioLoading.Problem("pressure is started by `uproar run`, not by hand")
        }
        let work = Work(plan, number: number, loop: loop)
        side.onWork = { work.begin(bytes: Int64($0["bytes"]?.int ?? 0)) }
        side.ready(ports: [])
        // Some seconds beyond its window nobody wants it any more, whatever became of the run.
        loop.schedule(at: loop.now + (plan.window.until - plan.window.from) + .seconds(5)) {
            loop.stop()
        }
        loop.run()
        withExtendedLifetime((side, work)) {}
        return .passed
    }

    private final class Work: TimerHandler {
        private let plan: FaultPlan
        private let number: Int
        private let loop: EventLoop
        private var start = Instant.zero
        private var wanted: Int64 = 0
        private var held: [UnsafeMutableRawPointer] = []
        private var sum: UInt8 = 0

        private static let block = 1 << 20
        private static let every = Duration.milliseconds(20)

        init(_ plan: FaultPlan, number: Int, loop: EventLoop) {
            self.plan = plan
            self.number = number
            self.loop = loop
        }

        func begin(bytes: Int64) {
            start = loop.now
            wanted = bytes
            if plan.fault == CPUPressureFault.descriptor.name,
                CPUPressureFault(plan.attributes).isPinned
            {
                ProcessLimit.pin(to: number % max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
            }
            timerFired(token: 0, now: start)
        }

        func timerFired(token: UInt64, now: Instant) {
            if plan.fault == CPUPressureFault.descriptor.name {
                spin(CPUPressureFault(plan.attributes))
            } else {
                grow(MemoryPressureFault(plan.attributes))
            }
        }

        /// Busy for the slice's share; the rest of it belongs to others, and to the control socket.
        private func spin(_ fault: CPUPressureFault) {
            let cycle = DutyCycle(share: fault.load, period: fault.slice)
            let began = loop.now
            while loop.now < began + cycle.on {
                for value in 0..<2000 { sum = sum &* 31 &+ UInt8(truncatingIfNeeded: value) }
            }
            loop.schedule(self, at: began + cycle.period)
        }

        private func grow(_ fault: MemoryPressureFault) {
            let due = MemoryPressureFault.held(
                of: wanted, after: loop.now - start, ramp: plan.scope.ramp)
            // So much at a time that the loop still hears of the run's end.
            var budget = 64
            while Int64(held.count * Self.block) < due, budget > 0, hasRoom(fault) {
                budget -= 1
                var memory: UnsafeMutableRawPointer?
                guard posix_memalign(&memory, 4096, Self.block) == 0, let memory else { break }
                touch(memory)
                held.append(memory)
            }
            if fault.touchesAgain { for memory in held { touch(memory) } }
            loop.schedule(self, at: loop.now + Self.every)
        }

        /// Each page holds something: one that was never written takes no memory.
        private func touch(_ memory: UnsafeMutableRawPointer) {
            sum &+= 1
            for offset in stride(from: 0, to: Self.block, by: 4096) {
                memory.storeBytes(of: sum | 1, toByteOffset: offset, as: UInt8.self)
            }
        }

        private func hasRoom(_ fault: MemoryPressureFault) -> Bool {
            guard plan.fault == MemoryPressureFault.descriptor.name else { return true }
            let text = ProcFile.text("/proc/meminfo") ?? ""
            return (KernelText.kilobytes("MemAvailable", in: text) ?? 0) > fault.floor
        }
    }
}
