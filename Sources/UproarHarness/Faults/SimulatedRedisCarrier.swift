import UproarCore
import UproarFaults
import UproarRuntime
import UproarSimulation

/// Faults on the Redis process of a simulated run: it dies, or stands still with its connections up.
package final class SimulatedRedisCarrier: FaultCarrier {
    private let redis: SimulatedRedis
    private let loop: EventLoop
    private let state: (Fact) -> Void

    package init(_ redis: SimulatedRedis, loop: EventLoop, state: @escaping (Fact) -> Void) {
        self.redis = redis
        self.loop = loop
        self.state = state
    }

    package static func knows(_ plan: FaultPlan) -> Bool {
        plan.scope.on == [ProviderID.redis.name] && ["kill", "pause"].contains(plan.fault)
    }

    package func arm(_ plan: FaultPlan) -> String? {
        if plan.fault == "kill" {
            redis.kill()
            if let delay = plan.attributes.duration("restart") {
                loop.schedule(at: loop.now + delay) { [redis] in try? redis.restart() }
            }
        } else {
            redis.isPaused = true
        }
        state(Fact(.faultEffective, at: loop.now, detail: plan.number, origin: .nemesis))
        return nil
    }

    package func clear(_ plan: FaultPlan) {
        if plan.fault == "pause" { redis.isPaused = false }
    }
}
