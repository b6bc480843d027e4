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

    @Test(
        "Errors are what the agent counted between two instants, also where a counter begins anew")
    func errors() {
        func page(_ timeouts: Int?, refused: Int) -> [UInt8] {
            var text = "# TYPE errors_total counter\n"
            if let timeouts {
                text += "errors_total{error_type=\"timeout\",component=\"store\"} \(timeouts)\n"
            }
            text += "errors_total{error_type=\"http_503\",component=\"stt\"} \(refused)\n"
            return Array(text.utf8)
        }
        let watch = AgentWatch { _ in }
        let pages = [
            page(nil, refused: 4), page(nil, refused: 4), page(3, refused: 5),
            page(9, refused: 5), page(2, refused: 5), page(2, refused: 6),
        ]
        for (second, page) in pages.enumerated() {
            watch.take([page], at: .zero + .seconds(second))
        }
        // Three, six more, two of a worker that began anew; the sixth second is behind the end.
        #expect(
            watch.errors(from: .zero + .seconds(1), to: .zero + .seconds(4)) == [
                .init(component: "store", kind: "timeout", count: 11),
                .init(component: "stt", kind: "http_503", count: 1),
            ])
        #expect(
            watch.errors(from: .zero + .seconds(4), to: .zero + .seconds(9)) == [
                .init(component: "stt", kind: "http_503", count: 1)
            ])
        #expect(watch.errors(from: .zero - .seconds(1), to: .zero).isEmpty)
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
        let series = #"voice_provider_auth_failures_total{role="stt",provider="deepgram","#
        #expect(
            watch.series[series + #"instance="agent"}"#]?.values.map { $0.isNaN ? -1 : $0 }
                == [0, 0, -1, 0])
        #expect(
            watch.series[series + #"instance="agent-2"}"#]?.values.map { $0.isNaN ? -1 : $0 }
                == [0, -1, -1, 3])
    }
}
