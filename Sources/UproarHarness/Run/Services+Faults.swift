import UproarCore
import UproarPosix
import UproarRuntime

/// A service that a fault has ended.
struct FaultedService {
    /// Its end is wanted and has not come yet.
    var isExpected = false
    var isGone = false
    var isStarting = false
    /// Waits for it to serve again.
    var then: ((String?) -> Void)?
}

/// The run's services as faults see them.
extension Services: FaultedProcesses {
    package func processes(_ name: String) -> [any HostedProcess] {
        let found: (any HostedProcess)? =
            switch name {
            case "providers": providers?.hosted
            case "redis": redis?.hosted
            case "agent" where workers == nil: standIn?.hosted ?? command?.process
            default: workers?.process(name)
            }
        return found.map { [$0] } ?? []
    }

    package func group(of name: String) -> [any HostedProcess] {
        name == "agent" ? workers?.all ?? processes(name) : processes(name)
    }

    package func expectEnd(of name: String) {
        faulted[name, default: .init()].isExpected = true
    }

    package func restart(_ name: String, then: @escaping (String?) -> Void) {
        guard name == "redis" || name.hasPrefix("agent") else {
            return then("\(name) cannot be started again: its calls would find other ports")
        }
        faulted[name, default: .init()].then = then
        // Its end may still be on its way.
        if faulted[name]?.isGone == true { startAgain(name) }
    }

    private func startAgain(_ name: String) {
        faulted[name]?.isGone = false
        faulted[name]?.isStarting = true
        switch name {
        case "redis": redis?.start()
        case _ where workers != nil: workers?.startAgain(name)
        default: startCommandAgain()
        }
    }

    /// Whether this end was a fault's doing.
    func tookEnd(of name: String, _ how: String) -> Bool {
        guard let service = faulted[name] else { return false }
        if service.isStarting {
            faulted[name] = nil
            service.then?(how)
            return true
        }
        guard service.isExpected else { return false }
        faulted[name]?.isExpected = false
        faulted[name]?.isGone = true
        if service.then != nil { startAgain(name) }
        return true
    }

    func served(_ name: String) {
        guard let service = faulted[name], service.isStarting else { return }
        faulted[name] = nil
        service.then?(nil)
    }
}
