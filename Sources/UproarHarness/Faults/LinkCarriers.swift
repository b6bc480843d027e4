import UproarCore
import UproarFaults
import UproarLinks
import UproarRuntime

/// Link faults in the same process: simulation.
package final class LinkSetCarrier: FaultCarrier {
    private let links: LinkSet
    package init(_ links: LinkSet) { self.links = links }
    package func arm(_ plan: FaultPlan) -> String? { links.arm(plan) }
    package func clear(_ plan: FaultPlan) { links.clear(plan.id) }
    package var isClear: Bool { links.isClear }
}

/// Link faults in the links' processes, each told of the arrows that it has.
package final class LinkControlCarrier: FaultCarrier {
    private let connection: (LinkArrow) -> ControlConnection?
    private let shift: () -> Duration
    /// Plans whose end no link has told of yet.
    private var armed = OrderedTable<UInt32, FaultPlan>()

    /// - connection: to the process whose link stands on an arrow.
    /// - shift: from the first due arrival to the clock that all processes of the run share.
    package init(
        connection: @escaping (LinkArrow) -> ControlConnection?, shift: @escaping () -> Duration
    ) {
        self.connection = connection
        self.shift = shift
    }

    package func arm(_ plan: FaultPlan) -> String? {
        let found = connections(plan)
        guard !found.isEmpty else {
            return "there is no link on \(plan.scope.on.joined(separator: ", ")), or it is gone"
        }
        var plan = plan
        plan.window.from += shift()
        plan.window.until += shift()
        for connection in found { connection.send(.arm, plan.json) }
        armed[plan.number] = plan
        return nil
    }

    package func clear(_ plan: FaultPlan) {
        for connection in connections(plan) { connection.send(.clear, ["id": .string(plan.id)]) }
    }

    /// The links have said so, or are gone with all that was armed in them.
    package var isClear: Bool { armed.values.allSatisfy { connections($0).isEmpty } }
    package func cleared(_ number: UInt32) { armed[number] = nil }

    private func connections(_ plan: FaultPlan) -> [ControlConnection] {
        var found: [ControlConnection] = []
        for name in plan.scope.on {
            let arrow = LinkArrow(name) ?? (name == LinkArrow.agentToRedis.to ? .agentToRedis : nil)
            guard let connection = arrow.flatMap(connection),
                !found.contains(where: { $0 === connection })
            else { continue }
            found.append(connection)
        }
        return found
    }
}

/// Media faults at the callers.
package final class MediaCarrier: FaultCarrier {
    private let send: (FaultPlan, Bool) -> Void

    /// - send: arms or clears a plan on every loop of callers.
    package init(_ send: @escaping (_ plan: FaultPlan, _ arms: Bool) -> Void) { self.send = send }

    package func arm(_ plan: FaultPlan) -> String? {
        send(plan, true)
        return nil
    }

    package func clear(_ plan: FaultPlan) { send(plan, false) }
    /// Callers' loops hear of it before the next frame.
    package var isClear: Bool { true }
}
