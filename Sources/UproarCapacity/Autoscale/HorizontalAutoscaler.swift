import Glibc

/// The HorizontalPodAutoscaler's controller as a pure state machine: what it asks for at each sync, every 15 s.
///
/// Follows `pkg/controller/podautoscaler/horizontal.go` and `replica_calculator.go` of Kubernetes 1.31: tolerance, pods that
/// are not ready, stabilisation windows over past recommendations, and changes by pods or per cent of a period, counted from
/// the replicas at the period's start.
package struct HorizontalAutoscaler: Sendable {
    package static let syncEvery = 15
    /// A ratio this near to one changes nothing.
    package static let tolerance = 0.1

    package let policy: AutoscalePolicy
    private var recommendations: [(at: Int, replicas: Int)] = []
    private var ups: [(at: Int, change: Int)] = []
    private var downs: [(at: Int, change: Int)] = []

    /// What the pods say at a sync. Values are sums over the ready ones.
    package struct Observation: Hashable, Sendable {
        package var replicas: Int
        package var ready: Int
        package var cores: Double
        package var bytes: Double
        package var calls: Double

        package init(replicas: Int, ready: Int, cores: Double, bytes: Double, calls: Double) {
            self.replicas = replicas
            self.ready = ready
            self.cores = cores
            self.bytes = bytes
            self.calls = calls
        }
    }

    package init(_ policy: AutoscalePolicy) { self.policy = policy }

    /// The replicas to set from `now` (seconds) on.
    package mutating func sync(now: Int, _ seen: Observation) -> Int {
        let wanted = max(
            1, policy.metrics.map { desired($0, seen) }.max() ?? seen.replicas)
        return apply(now: now, current: seen.replicas, desired: wanted)
    }

    /// The same with the metrics' proposal given: windows and rates alone.
    package mutating func apply(now: Int, current: Int, desired: Int) -> Int {
        // A first sync remembers what there was: a window never begins empty.
        if recommendations.isEmpty { recommendations = [(now, current)] }
        let stabilised = stabilise(now: now, current: current, desired: desired)
        let result = limit(now: now, current: current, stabilised)
        if result > current { ups.append((now, result - current)) }
        if result < current { downs.append((now, current - result)) }
        return result
    }

    // MARK: Metrics

    /// The proposal of one metric, for as many pods as are ready; pods that are not count as idle when there are too few.
    private func desired(_ metric: AutoscalePolicy.Metric, _ seen: Observation) -> Int {
        guard seen.ready > 0 else { return seen.replicas }
        let total: Double
        let byPod: Double
        switch metric {
        case .cpu(let share):
            total = seen.cores
            byPod = share * policy.requestCores
        case .memory(let share):
            total = seen.bytes
            byPod = share * policy.requestBytes
        case .calls(let count):
            total = seen.calls
            byPod = count
        }
        let ratio = total / Double(seen.ready) / byPod
        let waiting = seen.replicas - seen.ready
        if waiting <= 0 || ratio <= 1 {
            if abs(ratio - 1) <= Self.tolerance { return seen.replicas }
            return Int((ratio * Double(seen.ready)).rounded(.up))
        }
        let withIdle = total / Double(seen.replicas) / byPod
        if abs(withIdle - 1) <= Self.tolerance || withIdle < 1 { return seen.replicas }
        return Int((withIdle * Double(seen.replicas)).rounded(.up))
    }

    // MARK: Behaviour

    private mutating func stabilise(now: Int, current: Int, desired: Int) -> Int {
        var up = desired
        var down = desired
        let longest = max(policy.up.stabilisation, policy.down.stabilisation)
        recommendations.removeAll { $0.at <= now - longest - 1 }
        for past in recommendations {
            if past.at > now - policy.up.stabilisation { up = min(up, past.replicas) }
            if past.at > now - policy.down.stabilisation { down = max(down, past.replicas) }
        }
        recommendations.append((now, desired))
        var result = current
        if result < up { result = up }
        if result > down { result = down }
        return result
    }

    private mutating func limit(now: Int, current: Int, _ desired: Int) -> Int {
        let longest = (policy.up.changes + policy.down.changes).map(\.seconds).max() ?? 0
        ups.removeAll { $0.at <= now - longest }
        downs.removeAll { $0.at <= now - longest }
        if desired > current {
            let most = max(current, limit(policy.up, now, current, isUp: true))
            return min(desired, min(most, policy.maximum))
        }
        if desired < current {
            let least = min(current, limit(policy.down, now, current, isUp: false))
            return max(desired, max(least, policy.minimum))
        }
        return min(max(desired, policy.minimum), policy.maximum)
    }

    /// The replicas that the policy allowing most change allows.
    private func limit(_ rules: AutoscalePolicy.Rules, _ now: Int, _ current: Int, isUp: Bool)
        -> Int
    {
        let proposals = rules.changes.map { change -> Int in
            let added = sum(ups, change.seconds, now)
            let removed = sum(downs, change.seconds, now)
            let start = current - added + removed
            switch change {
            case .pods(let count, _): return isUp ? start + count : start - count
            case .percent(let share, _):
                let factor = Double(share) / 100
                return isUp
                    ? Int(ceil(Double(start) * (1 + factor))) : Int(Double(start) * (1 - factor))
            }
        }
        return (isUp ? proposals.max() : proposals.min()) ?? current
    }

    private func sum(_ events: [(at: Int, change: Int)], _ seconds: Int, _ now: Int) -> Int {
        events.reduce(0) { $1.at > now - seconds ? $0 + $1.change : $0 }
    }
}
