import Testing
import UproarCore
import UproarStatistics

@testable import UproarHarness

@Suite("The agent's own metrics, second by second")
struct AgentWatchTests {
    func page(_ refused: Int, state: Int = 0) -> [UInt8] {
        Array(
            """
            # TYPE voice_provider_auth_failures_total counter
            voice_provider_auth_failures_total{role="stt",provider="deepgram"} \(refused)
            # TYPE voice_circuit_breaker_state gauge
            voice_circuit_breaker_state{role="stt",provider="deepgram"} \(state)
            # TYPE voice_agent_sessions_total counter
            voice_agent_sessions_total \(refused + 5)

            """.utf8)
    }

    @Test("A sign is what grows of the metrics that speak of failures, between two looks")
    func signs() {
        var heard: [FaultHistory.OwnSign] = []
        let watch = AgentWatch { heard.append($0) }
        for second in 0..<3 { watch.take([page(0)], at: .zero + .seconds(second)) }
        #expect(heard.isEmpty)
        watch.take([page(2)], at: .zero + .seconds(3))
        #expect(
            heard == [
                .init(
                    name: "voice_provider_auth_failures_total", after: .zero + .seconds(2),
                    at: .zero + .seconds(3))
            ])
    }

    @Test("Rules are tested on the series as they were seen, at every second")
    func rules() {
        let watch = AgentWatch { _ in }
        for second in 0..<4 { watch.take([page(second / 2)], at: .zero + .seconds(second)) }
        let text = AlertRules.test(watch, ["ProviderKeyRefused"], rules: "/rules.yaml")
        #expect(text.contains("values: '0.000000 0.000000 1.000000 1.000000'"))
        #expect(text.contains("{eval_time: 3s, alertname: ProviderKeyRefused, exp_alerts: []}"))
    }

    @Test("Workers are told apart as instances, and one that is down leaves a gap")
    func workers() {
        var heard: [FaultHistory.OwnSign] = []
        let watch = AgentWatch { heard.append($0) }
        watch.take([page(0), page(0)], at: .zero)
        watch.take([page(0), nil], at: .zero + .seconds(1))
        watch.take([nil, nil], at: .zero + .seconds(2))
        watch.take([page(0), page(3)], at: .zero + .seconds(3))
        #expect(
            heard == [
                .init(
                    name: "voice_provider_auth_failures_total", after: .zero,
                    at: .zero + .seconds(3))
            ])
        let text = AlertRules.test(watch, [], rules: "/rules.yaml")
        let series = #"voice_provider_auth_failures_total{role="stt",provider="deepgram","#
        #expect(
            text.contains(
                series + #"instance="agent"}'\#n        values: '0.000000 0.000000 _ 0.000000'"#))
        #expect(
            text.contains(
                series + #"instance="agent-2"}'\#n        values: '0.000000 _ _ 3.000000'"#))
    }

    @Test("What promtool complains about is what fired, from its first moment on")
    func firings() {
        let output = """
              FAILED:
                alertname: ProviderKeyRefused, time: 1m6s,\u{20}
                    exp:[],
                alertname: ProviderKeyRefused, time: 1m5s,\u{20}
                alertname: DeadAir, time: 30s,\u{20}
            """
        let fired = AlertRules.firstFirings(in: output)
        #expect(fired.map(\.name) == ["ProviderKeyRefused", "DeadAir"])
        #expect(fired.map(\.second) == [65, 30])
        #expect(AlertRules.names(in: "      - alert: DeadAir\n        expr: x\n") == ["DeadAir"])
    }
}
