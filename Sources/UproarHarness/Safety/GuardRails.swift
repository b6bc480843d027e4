import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarScenario
import UproarWire

/// What no fault may do unless its scenario says so: on by default, each refusal names its rule.
package struct GuardRails {
    /// What the machine has, for rules that depend on it.
    package struct Machine: Sendable {
        package var memoryAvailable: Int64?
        package var processors: Int
        /// Why no control group can be made, by controller; nil when one can.
        package var refusal: @Sendable (GroupPlace.Controller) -> String?

        package init(
            memoryAvailable: Int64?, processors: Int,
            refusal: @escaping @Sendable (GroupPlace.Controller) -> String?
        ) {
            self.memoryAvailable = memoryAvailable
            self.processors = processors
            self.refusal = refusal
        }

        /// This one. Children of the run are in its own control group until a fault moves them.
        package static func here() -> Machine {
            let limits = UproarPosix.MachineLimits.read()
            return Machine(
                memoryAvailable: limits.memoryAvailableBytes, processors: limits.cpuCount
            ) { controller in
                do throws(GroupPlace.Refusal) {
                    _ = try GroupPlace.find(controller, of: getpid())
                    return nil
                } catch { return error.description }
            }
        }
    }

    private let scenario: Scenario
    /// nil in simulation, where no machine is touched.
    private let machine: Machine?
    private let environment: String?

    package init(
        _ scenario: Scenario, machine: Machine?,
        environment: String? = getenv("UPROAR_ENVIRONMENT").map { String(cString: $0) }
    ) {
        self.scenario = scenario
        self.machine = machine
        self.environment = environment
    }

    /// A refusal of one rule.
    package struct Refusal: Hashable {
        package var rule: String
        package var reason: String
        package var allowed: String
        package var text: String { "refused by the guard rail \(rule): \(reason)" }
    }

    /// For each event that may not be injected, with its place in the file.
    package var problems: [FileProblem] {
        scenario.timeline.enumerated().compactMap { index, event in
            guard let refusal = refusal(of: event) else { return nil }
            let places = scenario.places.timeline
            return FileProblem(
                mark: index < places.count ? places[index] : scenario.places.target,
                reason: "\(event.id) is \(refusal.text)", allowed: refusal.allowed,
                page: "docs/faults.md#safety")
        }
    }

    package func refusal(of event: TimelineEvent) -> Refusal? {
        guard case .inject(let name, let given) = event.action else { return nil }
        let attributes = FaultAttributes(given.map { ($0.name, $0.value) })
        if let refusal = ofPlace(event) ?? ofShare(event) { return refusal }
        guard FaultCatalog.place(of: name, on: event.scope.on) == .process else { return nil }
        return ofProcess(name, event, attributes) ?? ofMachine(name, event, attributes)
    }

    // MARK: Rules

    private var remoteHost: String? {
        guard case .url(let text) = scenario.target, let url = try? WireURL(text) else {
            return nil
        }
        let host = url.host
        let isHere = host == "localhost" || host == "::1" || host.hasPrefix("127.")
        return isHere ? nil : host
    }

    private func ofPlace(_ event: TimelineEvent) -> Refusal? {
        let wanted = scenario.safety.environment
        if let wanted, wanted != environment {
            return Refusal(
                rule: "environment",
                reason:
                    "the scenario is for the environment \(wanted), here is \(environment ?? "none")",
                allowed: "UPROAR_ENVIRONMENT=\(wanted) where the run is started")
        }
        guard let host = remoteHost else { return nil }
        guard scenario.safety.allowed.contains(host) else {
            return Refusal(
                rule: "loopback", reason: "its target \(host) is not on this machine",
                allowed: "a loopback target, or safety: {allow: [\(host)], environment: NAME}")
        }
        guard wanted != nil else {
            return Refusal(
                rule: "environment", reason: "its target \(host) is not on this machine",
                allowed: "safety: {environment: NAME}, and the same in UPROAR_ENVIRONMENT")
        }
        return nil
    }

    private func ofShare(_ event: TimelineEvent) -> Refusal? {
        let limit: Double
        if let given = scenario.safety.maximumShare {
            limit = Double(given.numerator) / Double(given.denominator)
        } else {
            limit = remoteHost == nil ? 1 : 0.5
        }
        let scope = event.scope
        var share = Double(scope.chance.numerator) / Double(scope.chance.denominator)
        switch scope.cohort {
        case .share(let part)?: share *= Double(part.numerator) / Double(part.denominator)
        case .every(let count)?: share /= Double(max(1, count))
        case .tag?, nil: break
        }
        guard share > limit + 1e-9 else { return nil }
        func percent(_ value: Double) -> String { NumberText.fixed(value * 100, 1) + "%" }
        return Refusal(
            rule: "cohort",
            reason: "it is aimed at \(percent(share)), more than \(percent(limit))",
            allowed: "cohort: or p: within it, or safety: {max_share: \(percent(share))}")
    }

    private func ofProcess(_ name: String, _ event: TimelineEvent, _ attributes: FaultAttributes)
        -> Refusal?
    {
        let targets = ProcessFaultCatalog.named(name)?.descriptor.targets ?? []
        guard let process = event.scope.on.first, event.scope.on.count == 1,
            targets.contains(process)
        else {
            return Refusal(
                rule: "identity",
                reason:
                    "\(name) acts on one process that this run has started, told by pid and start time, never by the pattern of a name",
                allowed: "on: " + targets.joined(separator: ", on: "))
        }
        if case .url = scenario.target, process == "agent" || process == "redis" {
            return Refusal(
                rule: "identity",
                reason: "this run starts no \(process): its target is called where it is",
                allowed: "target: embedded or command")
        }
        let isDestructive =
            name == KillFault.descriptor.name || name == OutOfMemoryFault.descriptor.name
        if isDestructive, process == "redis", attributes.isOn("destructive") != true {
            return Refusal(
                rule: "destructive", reason: "what Redis holds is lost with it",
                allowed: "destructive: on")
        }
        if process == "providers", attributes.duration("restart") != nil {
            return Refusal(
                rule: "restart", reason: "the emulators cannot be started again where they were",
                allowed: "\(name) on providers without restart, or with on: agent, on: redis")
        }
        if name == MemoryPressureFault.descriptor.name, attributes.number("bytes") == nil,
            attributes.chance("share") == nil
        {
            return Refusal(
                rule: "amount", reason: "it does not say how much memory",
                allowed: "bytes: 500MB, or share: 80%")
        }
        return nil
    }

    private func ofMachine(_ name: String, _ event: TimelineEvent, _ attributes: FaultAttributes)
        -> Refusal?
    {
        guard let machine else { return nil }
        switch name {
        case CPUPressureFault.descriptor.name:
            let wanted = CPUPressureFault(attributes).cores
            let room = Double(machine.processors) - scenario.safety.headroom
            guard wanted > room + 1e-9 else { return nil }
            return Refusal(
                rule: "cpu_headroom",
                reason:
                    "it takes \(NumberText.fixed(wanted, 1)) of \(machine.processors) processors and leaves the callers less than \(NumberText.fixed(scenario.safety.headroom, 1))",
                allowed:
                    "workers × load up to \(NumberText.fixed(max(0, room), 1)), or safety: {cpu_headroom: 0cores}"
            )
        case MemoryPressureFault.descriptor.name:
            let fault = MemoryPressureFault(attributes)
            if case .share = fault.amount, event.scope.on.first != "machine" {
                return needs(.memory, name)
            }
            guard case .bytes(let bytes) = fault.amount, let free = machine.memoryAvailable else {
                return nil
            }
            let floor = max(fault.floor, scenario.safety.memoryFloor)
            guard free - bytes < floor else { return nil }
            return Refusal(
                rule: "memory_floor",
                reason:
                    "\(bytes >> 20) MB of the \(free >> 20) MB that are free leave less than \(floor >> 20) MB",
                allowed: "fewer bytes, or a lower floor: and safety: {memory_floor: …}")
        case OutOfMemoryFault.descriptor.name: return needs(.memory, name)
        case MemoryLimitFault.descriptor.name where attributes.text("method") == "cgroup":
            return needs(.memory, name)
        case CPUQuotaFault.descriptor.name where attributes.text("method") == "cgroup":
            return needs(.cpu, name)
        default: return nil
        }
    }

    private func needs(_ controller: GroupPlace.Controller, _ name: String) -> Refusal? {
        guard let why = machine?.refusal(controller) else { return nil }
        return Refusal(
            rule: "privilege",
            reason:
                "\(name) needs a \(controller.rawValue) control group that this machine does not allow: \(why)",
            allowed: "a machine or container with a writable \(controller.rawValue) control group")
    }
}
