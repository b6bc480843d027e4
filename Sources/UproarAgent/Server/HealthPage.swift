import UproarCore
import UproarWire

/// The health endpoints of the guides, with the words each of them expects.
///
/// | path | answer |
/// |---|---|
/// | `/health/live` | 200 as long as the process serves |
/// | `/health/ready`, `/ready` | 200, or 503 while draining, full of memory, or without a listener |
/// | `/health` | each check with pass or fail and how long it took; 503 when one has failed |
/// | `/` | status, time, worker, jobs |
struct HealthPage {
    struct Check {
        var name: String
        var isGood: Bool
        var milliseconds: Double = 0
        var detail: String
    }

    var worker: String
    /// Seconds of the Unix epoch.
    var unixTime: Int64
    var activeCalls: Int
    var maximumCalls: Int
    var isDraining: Bool
    var checks: [Check]

    var isReady: Bool { !isDraining && checks.allSatisfy(\.isGood) }

    /// Status and body; nil when the path is none of these.
    func answer(_ path: String) -> (status: Int, body: JSONValue)? {
        switch path {
        case "/health/live": (200, summary("alive"))
        case "/health/ready", "/ready":
            isReady
                ? (200, summary("ready"))
                : (503, summary(isDraining ? "draining" : "not ready"))
        case "/": isReady ? (200, summary("healthy")) : (503, summary("unhealthy"))
        case "/health":
            (
                isReady ? 200 : 503,
                .object(
                    [
                        .init("status", isReady ? "healthy" : "unhealthy"),
                        .init("timestamp", .integer(unixTime)),
                        .init("worker_id", .string(worker)),
                        .init("active_jobs", JSONValue(activeCalls)),
                        .init(
                            "checks",
                            .array(
                                checks.map {
                                    [
                                        "name": .string($0.name),
                                        "status": $0.isGood ? "pass" : "fail",
                                        "duration_ms": .number($0.milliseconds),
                                        "detail": .string($0.detail),
                                    ]
                                })),
                    ])
            )
        default: nil
        }
    }

    private func summary(_ word: String) -> JSONValue {
        [
            "status": .string(word), "timestamp": .integer(unixTime),
            "worker_id": .string(worker), "active_jobs": JSONValue(activeCalls),
            "maximum_jobs": JSONValue(maximumCalls),
        ]
    }
}
