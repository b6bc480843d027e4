import Glibc
import UproarCore
import UproarStatistics

/// A day of one fleet under one autoscaler: calls come, find a place or do not, pods start, drain and are killed. Pure, and
/// exact to the call; what a call costs a pod and how latency follows load come from measurement.
package struct FleetSimulation {
    /// What was measured of a pod, by calls on it.
    package struct PodModel {
        package var coresAtRest: Double
        package var coresPerCall: Double
        package var bytesAtRest: Double
        package var bytesPerCall: Double
        /// Seconds from the decision to start a pod until it takes calls.
        package var start: Double
        /// p50 and p95 in seconds with so many calls on a pod that may use so many cores; nil: not known.
        package var latency: (_ calls: Int, _ cores: Double) -> (p50: Double, p95: Double)?
        /// US dollars of a pod by hour.
        package var dollarsPerHour: Double

        package init(
            coresAtRest: Double, coresPerCall: Double, bytesAtRest: Double, bytesPerCall: Double,
            start: Double, dollarsPerHour: Double,
            latency: @escaping (_ calls: Int, _ cores: Double) -> (p50: Double, p95: Double)?
        ) {
            self.coresAtRest = coresAtRest
            self.coresPerCall = coresPerCall
            self.bytesAtRest = bytesAtRest
            self.bytesPerCall = bytesPerCall
            self.start = start
            self.dollarsPerHour = dollarsPerHour
            self.latency = latency
        }
    }

    private enum State { case starting, ready, draining, gone }

    private struct Pod {
        var state: State
        /// Ready from, or killed at.
        var until: Double
        var born: Double
        var calls = 0
        /// When `calls` last changed.
        var since: Double
    }

    private struct End: Comparable {
        var at: Double
        var pod: Int
        static func < (a: End, b: End) -> Bool { a.at != b.at ? a.at < b.at : a.pod < b.pod }
    }

    private let policy: AutoscalePolicy
    private let model: PodModel
    private var autoscaler: HorizontalAutoscaler
    private var pods: [Pod] = []
    /// Indices of pods that take calls.
    private var open: [Int] = []
    /// Indices of pods that are starting or draining.
    private var moving: [Int] = []
    private var ends = Heap<End>()
    private var report: FleetReport
    private let bucket: Double
    /// Call-seconds by calls on the pod, in the bucket under way and over the day.
    private var seconds: [Double] = []
    private var allSeconds: [Double] = []
    private var nextBucket: Double
    private var inCall = 0

    /// - startingWith: ready pods at midnight; nil: the least.
    package static func run(
        _ log: CallLog, _ policy: AutoscalePolicy, startingWith pods: Int? = nil,
        _ model: PodModel, bucket: Double = 300
    ) -> FleetReport {
        var fleet = FleetSimulation(log, policy, pods ?? policy.minimum, model, bucket)
        return fleet.run(log)
    }

    private init(
        _ log: CallLog, _ policy: AutoscalePolicy, _ count: Int, _ model: PodModel,
        _ bucket: Double
    ) {
        self.policy = policy
        self.model = model
        self.bucket = bucket
        autoscaler = HorizontalAutoscaler(policy)
        report = FleetReport(policy: policy, traffic: log.name, bucket: bucket)
        nextBucket = bucket
        for index in 0..<count {
            pods.append(Pod(state: .ready, until: 0, born: 0, since: 0))
            open.append(index)
        }
    }

    private mutating func run(_ log: CallLog) -> FleetReport {
        var sync = 0
        for call in log.calls {
            while Double(sync) <= call.start {
                advance(to: Double(sync))
                synchronise(sync)
                sync += HorizontalAutoscaler.syncEvery
            }
            advance(to: call.start)
            take(call)
        }
        // The day ends when its last call does.
        let last = max(86_400, (log.calls.last?.start ?? 0) + 1)
        while Double(sync) < last || (inCall > 0 && Double(sync) < last + 86_400) {
            advance(to: Double(sync))
            synchronise(sync)
            sync += HorizontalAutoscaler.syncEvery
        }
        closeBucket()
        for index in open + moving { report.podSeconds += Double(sync) - pods[index].born }
        report.finish(pods: pods.count, latency: mixture(allSeconds))
        return report
    }

    // MARK: Calls

    private mutating func take(_ call: CallLog.Call) {
        report.offered += 1
        report.buckets[report.buckets.count - 1].offered += 1
        var best = -1
        var least = policy.maxJobs ?? Int.max
        for index in open where pods[index].calls < least {
            least = pods[index].calls
            best = index
        }
        guard best >= 0 else {
            report.refused += 1
            report.buckets[report.buckets.count - 1].refused += 1
            return
        }
        change(best, by: 1, at: call.start)
        ends.insert(End(at: call.start + call.length, pod: best))
    }

    /// Counts the time with so many calls on the pod, then changes their number.
    private mutating func change(_ index: Int, by delta: Int, at now: Double) {
        settle(index, now)
        pods[index].calls += delta
        inCall += delta
        report.peakCalls = max(report.peakCalls, inCall)
    }

    private mutating func settle(_ index: Int, _ now: Double) {
        let calls = pods[index].calls
        if calls > 0 {
            while seconds.count <= calls { seconds.append(0) }
            seconds[calls] += (now - pods[index].since) * Double(calls)
        }
        pods[index].since = now
    }

    // MARK: Time

    /// Ends, starts and kills up to `now`, in their order.
    private mutating func advance(to now: Double) {
        while true {
            let end = ends.first?.at ?? .infinity
            let move = moving.min { pods[$0].until < pods[$1].until }
            let moves = move.map { pods[$0].until } ?? .infinity
            let next = min(end, moves)
            guard next <= now else { break }
            passBuckets(next)
            if end <= moves, let ended = ends.popFirst() {
                // A call that was cut with its pod ended then.
                guard pods[ended.pod].state != .gone else { continue }
                change(ended.pod, by: -1, at: ended.at)
                if pods[ended.pod].state == .draining, pods[ended.pod].calls == 0 {
                    remove(ended.pod, ended.at)
                }
            } else if let move {
                if pods[move].state == .starting {
                    pods[move].state = .ready
                    pods[move].since = pods[move].until
                    open.append(move)
                    moving.removeAll { $0 == move }
                } else {
                    kill(move, pods[move].until)
                }
            }
        }
        passBuckets(now)
    }

    private mutating func kill(_ index: Int, _ now: Double) {
        let cut = pods[index].calls
        report.cut += cut
        report.buckets[report.buckets.count - 1].cut += cut
        change(index, by: -cut, at: now)
        remove(index, now)
    }

    private mutating func remove(_ index: Int, _ now: Double) {
        settle(index, now)
        report.podSeconds += now - pods[index].born
        pods[index].state = .gone
        moving.removeAll { $0 == index }
        open.removeAll { $0 == index }
    }

    private mutating func passBuckets(_ now: Double) {
        while now >= nextBucket {
            for index in open + moving { settle(index, nextBucket) }
            closeBucket()
            report.buckets.append(.init())
            nextBucket += bucket
        }
    }

    private mutating func closeBucket() {
        let place = report.buckets.count - 1
        report.buckets[place].p95 = mixture(seconds)?.p95
        report.buckets[place].pods = open.count + moving.count
        report.buckets[place].calls = inCall
        while allSeconds.count < seconds.count { allSeconds.append(0) }
        for calls in seconds.indices { allSeconds[calls] += seconds[calls] }
        seconds = [Double](repeating: 0, count: seconds.count)
    }

    // MARK: Scaling

    private mutating func synchronise(_ now: Int) {
        let starting = moving.count { pods[$0].state == .starting }
        let cores = open.reduce(0.0) { sum, index in
            let wanted = model.coresAtRest + Double(pods[index].calls) * model.coresPerCall
            return sum + min(policy.limitCores, wanted)
        }
        let bytes = open.reduce(0.0) { sum, index in
            sum + model.bytesAtRest + Double(pods[index].calls) * model.bytesPerCall
        }
        let calls = open.reduce(0) { $0 + pods[$1].calls }
        let current = open.count + starting
        let wanted = autoscaler.sync(
            now: now,
            .init(
                replicas: current, ready: open.count, cores: cores, bytes: bytes,
                calls: Double(calls)))
        report.peakPods = max(report.peakPods, wanted)
        if wanted > current {
            for _ in current..<wanted {
                pods.append(
                    Pod(
                        state: .starting, until: Double(now) + model.start, born: Double(now),
                        since: Double(now)))
                moving.append(pods.count - 1)
            }
            report.scaleUps += 1
        } else if wanted < current {
            report.scaleDowns += 1
            scaleDown(by: current - wanted, at: Double(now))
        }
    }

    /// Pods that are not ready go first, then the youngest: Kubernetes knows nothing of their calls.
    private mutating func scaleDown(by count: Int, at now: Double) {
        let starting = moving.filter { pods[$0].state == .starting }
        let order =
            starting.sorted { pods[$0].born > pods[$1].born }
            + open.sorted {
                pods[$0].born != pods[$1].born ? pods[$0].born > pods[$1].born : $0 > $1
            }
        for index in order.prefix(count) {
            if pods[index].calls == 0 {
                remove(index, now)
            } else {
                pods[index].state = .draining
                pods[index].until = now + policy.grace
                open.removeAll { $0 == index }
                moving.append(index)
            }
        }
    }

    // MARK: Latency

    /// The quantiles of all turns of `seconds`, each load with its own lognormal of p50 and p95, weighted by its call-seconds.
    private func mixture(_ seconds: [Double]) -> (p50: Double, p95: Double)? {
        let total = seconds.reduce(0, +)
        guard total > 0 else { return nil }
        var parts: [(weight: Double, mu: Double, sigma: Double)] = []
        for (calls, weight) in seconds.enumerated() where weight > 0 {
            guard let figures = model.latency(calls, policy.limitCores), figures.p50 > 0 else {
                return nil
            }
            let sigma = max(1e-3, log(max(figures.p95, figures.p50 * 1.001) / figures.p50) / 1.6449)
            parts.append((weight / total, log(figures.p50), sigma))
        }
        func quantile(_ q: Double) -> Double {
            var low = -9.0
            var high = 6.0
            for _ in 0..<50 {
                let middle = (low + high) / 2
                let below = parts.reduce(0) {
                    $0 + $1.weight * 0.5 * erfc(-(middle - $1.mu) / ($1.sigma * 2.0.squareRoot()))
                }
                if below < q { low = middle } else { high = middle }
            }
            return exp(high)
        }
        return (quantile(0.5), quantile(0.95))
    }
}
