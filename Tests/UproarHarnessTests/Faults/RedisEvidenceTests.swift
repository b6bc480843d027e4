import Testing
import UproarCore
import UproarStatistics

@testable import UproarHarness

/// Each way in which Redis goes looks different in the report; `scripts/verify-redis.py` shows the same of a real one.
@Suite("A Redis that hangs, one that is dead and one that is read-only are told apart")
struct RedisEvidenceTests {
    private func errors(_ event: String, on target: String = "redis") throws -> [String: Int] {
        let result = try SimulatedScenario.run(
            "scenarios/zoo/common.yaml",
            set: [
                #"load=[{"hold":"3 callers for 24s"}]"#,
                "timeline=[{\"id\":\"f\",\"at\":\"8s\",\"for\":\"6s\",\"on\":\"\(target)\",\(event)}]",
            ])
        let fault = try #require(result.faults.first)
        #expect(fault.effects > 0)
        // As it is written, so it is read back.
        #expect(try RunResult(json: result.json).faults.first?.agentErrors == fault.agentErrors)
        var counts: [String: Int] = [:]
        for error in fault.agentErrors where error.component == "store" {
            counts[error.kind] = error.count
        }
        return counts
    }

    @Test(
        "By the kind of error that the agent meets, and no other",
        arguments: [
            (#""inject":"hang""#, "timeout"),
            (#""inject":"pause""#, "timeout"),
            (#""inject":"kill","restart":"6s","destructive":"on""#, "unreachable"),
            (#""inject":"failover","old":"read_only","promotion":"5s""#, "readonly"),
            (#""inject":"error","kind":"LOADING""#, "loading"),
        ])
    func kinds(_ event: String, _ kind: String) throws {
        let counts = try errors(event)
        #expect(Set(counts.keys) == [kind])
        #expect(counts[kind] ?? 0 > 0)
    }

    @Test("A partition is as silent as a server that hangs")
    func partition() throws {
        #expect(
            Set(try errors(#""inject":"partition""#, on: "agent->redis").keys) == ["timeout"])
    }

    @Test("One that is slow within the agent's bound is no error; beyond it is one that hangs")
    func slow() throws {
        #expect(try errors(#""inject":"slow","delay":"20ms""#).isEmpty)
        #expect(try errors(#""inject":"slow","delay":"2s""#).keys.contains("timeout"))
    }
}
