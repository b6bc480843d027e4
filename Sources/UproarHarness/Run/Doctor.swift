import Glibc
import UproarCore
import UproarPosix
import UproarRuntime

/// `uproar doctor`: limits, clock, timers, programs and files, and the load that is safe here.
package struct Doctor {
    package private(set) var text = ""
    package private(set) var isWell = true

    package static func examine() -> Doctor {
        var doctor = Doctor()
        doctor.machine()
        doctor.timers()
        doctor.programs()
        return doctor
    }

    /// What one call takes of a core with everything on one machine, and of a generator alone: measured by `make bench` on the
    /// reference machine (2 cores), rounded up.
    private static let coresPerCall = (embedded: 0.0016, generator: 0.0005)

    private mutating func line(_ state: String, _ name: String, _ value: String) {
        text +=
            state + "  " + name + String(repeating: " ", count: max(0, 18 - name.count)) + value
            + "\n"
        if state == "BAD " { isWell = false }
    }

    private mutating func machine() {
        let limits = MachineLimits.read()
        let cores =
            limits.quotaCores.map { min($0, Double(limits.cpuCount)) } ?? Double(limits.cpuCount)
        line(
            limits.quotaCores == nil ? "ok  " : "warn", "cores",
            "\(limits.cpuCount)"
                + (limits.quotaCores.map { ", a CPU quota allows \(NumberText.fixed($0, 2))" } ?? "")
        )
        let descriptors = DescriptorLimit.raise()
        line(
            descriptors >= 4096 ? "ok  " : "warn", "descriptors",
            "\(NumberText.grouped(descriptors)) (hard limit \(NumberText.grouped(limits.descriptorsHard)))"
        )
        if let ports = limits.ephemeralPorts {
            line(
                ports.count >= 10_000 ? "ok  " : "warn", "local ports",
                "\(ports.lowerBound)–\(ports.upperBound): \(NumberText.grouped(ports.count))")
        }
        if let memory = limits.memoryAvailableBytes {
            line(memory > 1 << 30 ? "ok  " : "warn", "memory", "\(memory >> 20) MiB available")
        }
        let clock = limits.clockSource ?? "unknown"
        line(
            ["tsc", "kvm-clock", "arch_sys_counter"].contains(clock) ? "ok  " : "warn",
            "clock source", clock)
        let byCPU = Int(cores * 0.75 / Self.coresPerCall.embedded)
        let byFiles = (descriptors - 64) / 5
        line(
            "    ", "safe here",
            "about \(min(byCPU, byFiles)) callers with agent and emulators on this machine")
        line(
            "    ", "",
            "about \(min(Int(cores * 0.75 / Self.coresPerCall.generator), descriptors - 64)) callers against an agent elsewhere"
        )
    }

    /// How late timers of this machine fire: 1,000 of them, one a millisecond.
    private mutating func timers() {
        guard let driver = try? PosixDriver(clock: .starting()) else {
            return line("BAD ", "timers", "no epoll")
        }
        let loop = EventLoop(driver: driver)
        for tick in 1...1000 as ClosedRange<Int64> {
            loop.schedule(at: .zero + .milliseconds(tick)) {}
        }
        loop.run(until: .zero + .milliseconds(1001))
        let late = loop.takeLag().quantile(0.99) ?? .zero
        line(
            late < .milliseconds(1) ? "ok  " : late < .milliseconds(5) ? "warn" : "BAD ",
            "timer lateness",
            "p99 \(NumberText.duration(late))")
    }

    private mutating func programs() {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let found = path.split(separator: ":").contains { access("\($0)/redis-server", X_OK) == 0 }
        line(
            found ? "ok  " : "BAD ", "redis-server",
            found ? "found" : "not in PATH: 'make deps' installs it")
        let share = ShareFolder.find()
        line(share == nil ? "BAD " : "ok  ", "share folder", share ?? "not found: set UPROAR_SHARE")
    }
}
