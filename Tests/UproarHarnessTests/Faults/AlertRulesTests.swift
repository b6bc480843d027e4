import Testing
import UproarCore

@testable import UproarHarness

@Suite("Alert rules, evaluated by ourselves")
struct AlertRulesTests {
    typealias Known = (name: String, first: Int, values: [Double])

    private func value(_ text: String, _ known: [Known], at second: Int) throws
        -> [AlertSeries.Element]
    {
        guard
            case .vector(let found) = AlertSeries(known).value(
                of: try AlertExpression(text), at: second)
        else { return [] }
        return found
    }

    @Test func everyShippedRuleIsRead() throws {
        let rules = try AlertRules.shipped()
        let text = String(
            decoding: try TextFile.read(try #require(ShareFolder.locate(AlertRules.path))),
            as: UTF8.self)
        #expect(rules.count == text.split(separator: "\n").count { $0.contains("- alert: ") })
        #expect(rules.first { $0.name == "VoiceLatencyCritical" }?.hold == 120)
        #expect(
            rules.first { $0.name == "SessionsNotDurable" }?.expression
                == .operation(
                    .equal, .selector(.init(name: "voice_session_store_durable", labels: [])),
                    .number(0), ignoring: []))
    }

    @Test(
        arguments: [
            ("rate(a[5m]", 10), ("a >", 3), ("a b", 2), ("sum by (x) a", 11), ("a{x=y}", 4),
            ("a[5m]", 1), ("rate(a[5x])", 9),
        ])
    func whatIsNotOfTheseFormsIsAnError(_ text: String, _ offset: Int) {
        #expect(throws: AlertExpression.Problem.self) { try AlertExpression(text) }
        do { _ = try AlertExpression(text) } catch {
            #expect(error.offset == offset, "\(text): \(error)")
        }
    }

    @Test func aCounterGrowsOverItsRangeAlsoWhenItBeginsAnew() throws {
        let steady = (0...300).map { Double($0) * 2 }
        #expect(try value("rate(a[1m])", [("a", 0, steady)], at: 300).first?.value == 2)
        #expect(try value("increase(a[1m])", [("a", 0, steady)], at: 300).first?.value == 120)
        // 0…10, then from 0 again: a restart hides nothing.
        let anew = (0...30).map { Double($0 % 11) }
        let grown = try #require(
            try value("increase(a[30s])", [("a", 0, anew)], at: 30).first?.value)
        #expect(grown == 28)
        #expect(try value("rate(a[1m])", [("a", 0, [5])], at: 0).isEmpty)
    }

    @Test func ratiosMatchByTheirLabels() throws {
        let known: [Known] = [
            ("e{p=\"x\",t=\"1\"}", 0, (0...60).map { Double($0) }),
            ("e{p=\"x\",t=\"2\"}", 0, (0...60).map { Double($0) }),
            ("n{p=\"x\"}", 0, (0...60).map { Double($0) * 8 }),
            ("n{p=\"y\"}", 0, (0...60).map { Double($0) * 8 }),
        ]
        let found = try value(
            "sum by (p) (rate(e[30s])) / sum by (p) (rate(n[30s]))", known, at: 60)
        #expect(found == [.init(labels: [.init(key: "p", value: "x")], value: 0.25)])
    }

    /// Random histories of what the rules look at, held to promtool where it is.
    @Test(.enabled(if: Promtool.isHere), arguments: 0..<3)
    func promtoolSaysTheSame(_ seed: Int) throws {
        var random = Seed(UInt64(seed)).stream("alerts")
        let seconds = 500
        func counter(_ chance: Double, step: Double = 1, first: Int = 0) -> [Double] {
            var sum = 0.0
            return (first..<seconds).map { second in
                if second == 200, seed == 2 { sum = 0 }
                if random.unit() < chance { sum += step }
                return sum
            }
        }
        var known: [Known] = []
        for (metric, label) in [
            ("voice_latency_seconds", "channel=\"phone\""),
            ("voice_stt_duration_seconds", "provider=\"deepgram\""),
            ("voice_tts_duration_seconds", "provider=\"cartesia\""),
        ] {
            let fast = counter(0.3)
            let slow = zip(fast, counter(0.1)).map { $0 + $1 }
            let all = zip(slow, counter(0.02)).map { $0 + $1 }
            for (le, values) in [("0.3", fast), ("1.0", slow), ("+Inf", all)] {
                known.append(("\(metric)_bucket{\(label),le=\"\(le)\"}", 0, values))
            }
            known.append(("\(metric)_count{\(label)}", 0, all))
        }
        for type in ["http_503", "timeout"] {
            known.append(
                (
                    "voice_transcription_errors_total{provider=\"deepgram\",error_type=\"\(type)\"}",
                    seed == 1 ? 0 : 20, counter(0.02, first: seed == 1 ? 0 : 20)
                ))
        }
        known.append(("voice_silence_seconds_count", 0, counter(0.2)))
        known.append(("voice_silence_seconds_bucket{le=\"3.0\"}", 0, counter(0.19)))
        known.append(
            ("voice_cost_per_call_usd_sum{channel=\"phone\"}", 0, counter(0.1, step: 0.02)))
        known.append(
            ("voice_session_duration_seconds_sum{channel=\"phone\"}", 0, counter(0.1, step: 12)))
        known.append(("voice_agent_active_sessions", 0, counter(0.1)))
        known.append(
            (
                "voice_session_store_durable", 0,
                (0..<seconds).map { (50..<150).contains($0) ? 0 : 1 }
            ))
        known.append(("memory_usage_bytes{component=\"worker\"}", 0, counter(1, step: 2e6)))
        known.append(
            ("memory_usage_bytes{component=\"limit\"}", 0, .init(repeating: 1e9, count: seconds)))
        known.append(("voice_degraded_total{method=\"sms\"}", 100, counter(0.01, first: 100)))
        for status in ["failed", "completed"] {
            known.append(
                (
                    "workflow_executions_total{workflow_type=\"crm\",status=\"\(status)\"}", 0,
                    counter(status == "failed" ? 0.05 : 0.3)
                ))
        }
        known.append(
            (
                "voice_circuit_breaker_trips_total{role=\"stt\",provider=\"deepgram\"}", 0,
                counter(0.03)
            ))
        let rules = try AlertRules.shipped()
        let path = try #require(ShareFolder.locate(AlertRules.path))
        let here = path.hasPrefix("/") ? path : WorkingFolder.path() + "/" + path
        let ours = AlertRules.firings(rules, AlertSeries(known), seconds: seconds)
        let theirs = try Promtool.firings(
            rules.map(\.name), rules: here, known, seconds: seconds)
        for (rule, (mine, other)) in zip(rules, zip(ours, theirs)) {
            #expect(mine == other, "\(rule.name)")
        }
        #expect(ours.contains { $0 != nil })
    }
}
