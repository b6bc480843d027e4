import UproarCore
import UproarStatistics

/// What a day came to under one autoscaler.
package struct FleetReport: Sendable {
    package struct Bucket: Hashable, Sendable {
        package var offered = 0
        package var refused = 0
        package var cut = 0
        /// At its end.
        package var pods = 0
        package var calls = 0
        /// Seconds; nil without calls, or where nothing is known of latency.
        package var p95: Double?

        package init() {}
    }

    package var policy: AutoscalePolicy
    package var traffic: String
    /// Seconds of a bucket.
    package var bucket: Double
    package var offered = 0
    /// No pod had a place.
    package var refused = 0
    /// Under way on a pod that was killed.
    package var cut = 0
    package var peakCalls = 0
    package var peakPods = 0
    package var scaleUps = 0
    package var scaleDowns = 0
    package var podSeconds = 0.0
    package var podsStarted = 0
    package var p50: Double?
    package var p95: Double?
    package var buckets: [Bucket] = [.init()]

    init(policy: AutoscalePolicy, traffic: String, bucket: Double) {
        self.policy = policy
        self.traffic = traffic
        self.bucket = bucket
        peakPods = policy.minimum
    }

    mutating func finish(pods: Int, latency: (p50: Double, p95: Double)?) {
        podsStarted = pods
        p50 = latency?.p50
        p95 = latency?.p95
    }

    package var podHours: Double { podSeconds / 3600 }
    package var refusedShare: Double { offered == 0 ? 0 : Double(refused) / Double(offered) }

    package func json(dollarsPerPodHour: Double) -> JSONValue {
        .known([
            "policy": .string(policy.name), "source": .string(policy.source),
            "minimum": JSONValue(policy.minimum), "maximum": JSONValue(policy.maximum),
            "scale_up": .string(policy.up.text), "scale_down": .string(policy.down.text),
            "grace_s": .figure(policy.grace), "calls_offered": JSONValue(offered),
            "calls_refused": JSONValue(refused), "calls_cut": JSONValue(cut),
            "peak_calls": JSONValue(peakCalls), "peak_pods": JSONValue(peakPods),
            "scale_ups": JSONValue(scaleUps), "scale_downs": JSONValue(scaleDowns),
            "pod_hours": .figure(podHours), "dollars": .figure(podHours * dollarsPerPodHour),
            "p50_s": .figure(p50), "p95_s": .figure(p95), "bucket_s": .figure(bucket),
            "buckets": .array(buckets.map(\.json)),
        ])
    }
}

extension FleetReport.Bucket {
    var json: JSONValue {
        .known([
            "offered": JSONValue(offered), "refused": JSONValue(refused), "cut": JSONValue(cut),
            "pods": JSONValue(pods), "calls": JSONValue(calls), "p95_s": .figure(p95),
        ])
    }
}
