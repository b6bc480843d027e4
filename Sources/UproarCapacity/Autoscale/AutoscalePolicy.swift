/// How a HorizontalPodAutoscaler is set, and how its pods go.
package struct AutoscalePolicy: Hashable, Sendable {
    package enum Metric: Hashable, Sendable {
        /// Mean use of the pods by what they request, as a share.
        case cpu(Double)
        case memory(Double)
        /// Calls by pod, an AverageValue.
        case calls(Double)
    }

    package enum Change: Hashable, Sendable {
        case pods(Int, seconds: Int)
        case percent(Int, seconds: Int)

        package var seconds: Int {
            switch self {
            case .pods(_, let seconds), .percent(_, let seconds): seconds
            }
        }

        package var text: String {
            switch self {
            case .pods(let count, let seconds): "\(count) pods/\(seconds) s"
            case .percent(let share, let seconds): "\(share) %/\(seconds) s"
            }
        }
    }

    /// One direction. The change that allows most counts (`selectPolicy: Max`, the default).
    package struct Rules: Hashable, Sendable {
        package var stabilisation: Int
        package var changes: [Change]

        package init(stabilisation: Int, changes: [Change]) {
            self.stabilisation = stabilisation
            self.changes = changes
        }

        /// What Kubernetes does where a manifest says nothing.
        package static let defaultUp = Rules(
            stabilisation: 0, changes: [.percent(100, seconds: 15), .pods(4, seconds: 15)])
        package static let defaultDown = Rules(
            stabilisation: 300, changes: [.percent(100, seconds: 15)])

        package var text: String {
            "\(stabilisation) s stabilisation, " + changes.map(\.text).joined(separator: " or ")
        }
    }

    package var name: String
    package var source: String
    package var minimum: Int
    package var maximum: Int
    package var metrics: [Metric]
    package var up: Rules
    package var down: Rules
    /// What a pod requests, which shares of use count from, and what it may use.
    package var requestCores: Double
    package var limitCores: Double
    package var requestBytes: Double
    /// A pod takes no more calls than this; nil: as many as come.
    package var maxJobs: Int?
    /// Seconds from SIGTERM until what is left is killed: `terminationGracePeriodSeconds`, 30 where none is set.
    package var grace: Double

    package init(
        name: String, source: String, minimum: Int, maximum: Int, metrics: [Metric], up: Rules,
        down: Rules, requestCores: Double, limitCores: Double, requestBytes: Double,
        maxJobs: Int?, grace: Double
    ) {
        self.name = name
        self.source = source
        self.minimum = minimum
        self.maximum = maximum
        self.metrics = metrics
        self.up = up
        self.down = down
        self.requestCores = requestCores
        self.limitCores = limitCores
        self.requestBytes = requestBytes
        self.maxJobs = maxJobs
        self.grace = grace
    }

    private static let mebibyte = 1_048_576.0

    /// 000: CPU 70 %, 2 to 20, 500m/512Mi to 1000m/1Gi. No grace is set, so Kubernetes kills after 30 s.
    package static let guide000 = AutoscalePolicy(
        name: "000", source: "guide 000", minimum: 2, maximum: 20, metrics: [.cpu(0.7)],
        up: Rules(stabilisation: 60, changes: [.pods(4, seconds: 60)]),
        down: Rules(stabilisation: 300, changes: [.percent(25, seconds: 120)]),
        requestCores: 0.5, limitCores: 1, requestBytes: 512 * mebibyte, maxJobs: nil, grace: 30)

    /// 002: CPU 70 % and memory 80 %, 2 to 10, no behaviour of its own, max jobs 10. Its agent finishes calls for 600 s, but no
    /// manifest grants it the time.
    package static let guide002 = AutoscalePolicy(
        name: "002", source: "guide 002", minimum: 2, maximum: 10,
        metrics: [.cpu(0.7), .memory(0.8)], up: .defaultUp, down: .defaultDown,
        requestCores: 1, limitCores: 2, requestBytes: 1024 * mebibyte, maxJobs: 10, grace: 30)

    /// 004: CPU, memory and 10 workflows by pod, 3 to 20 (its ConfigMap says 50).
    package static let guide004 = AutoscalePolicy(
        name: "004", source: "guide 004", minimum: 3, maximum: 20,
        metrics: [.cpu(0.7), .memory(0.8), .calls(10)],
        up: Rules(
            stabilisation: 60, changes: [.percent(50, seconds: 60), .pods(2, seconds: 60)]),
        down: Rules(stabilisation: 300, changes: [.percent(10, seconds: 60)]),
        requestCores: 0.5, limitCores: 1, requestBytes: 512 * mebibyte, maxJobs: nil, grace: 30)

    /// Ours: by calls, fast up without a window, slow down, and calls are let finish.
    package static func ours(_ plan: SizingPlan) -> AutoscalePolicy {
        let scaling = plan.scaling
        return AutoscalePolicy(
            name: "ours", source: "sized by measurement", minimum: scaling.minimum,
            maximum: scaling.maximum,
            metrics: [.calls(Double(scaling.calls)), .cpu(plan.request.cpuTarget)],
            up: Rules(
                stabilisation: 0, changes: [.percent(100, seconds: 30), .pods(8, seconds: 30)]),
            down: Rules(stabilisation: 600, changes: [.percent(10, seconds: 60)]),
            requestCores: plan.request.podCores, limitCores: plan.request.podCores,
            requestBytes: plan.request.podMemory, maxJobs: plan.callsPerPod, grace: 1800)
    }
}
