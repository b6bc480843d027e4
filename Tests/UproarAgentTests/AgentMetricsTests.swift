import Testing
import UproarWire

@testable import UproarAgent

/// What dashboards and alert rules are written against: names, kinds, labels and buckets, as the guides have them.
@Suite struct AgentMetricsTests {
    private static let table = """
        voice_latency_seconds histogram channel .2 .3 .4 .5 .6 .7 .8 1 1.5 2
        voice_stt_duration_seconds histogram provider .05 .1 .15 .2 .3 .5 1
        voice_llm_duration_seconds histogram model .1 .2 .3 .4 .5 .7 1 2
        voice_tts_duration_seconds histogram provider .02 .05 .1 .15 .2 .3 .5
        voice_transcription_errors_total counter provider,error_type
        voice_session_duration_seconds histogram channel,outcome 30 60 120 300 600 1200 1800
        voice_agent_active_sessions gauge -
        voice_stt_failover_total counter from,to
        voice_llm_failover_total counter from,to
        voice_tts_failover_total counter from,to
        livekit_agent_jobs_total counter status
        livekit_agent_job_duration_seconds histogram - 30 60 120 300 600 1200 1800
        livekit_queue_depth gauge -
        http_requests_total counter method,endpoint,status_code
        http_request_duration_seconds histogram method,endpoint .1 .25 .5 1 2.5 5 10
        mcp_tool_calls_total counter server,tool,status
        active_workflows gauge workflow_type
        workflow_executions_total counter workflow_type,status
        memory_usage_bytes gauge component
        cpu_usage_percent gauge component
        errors_total counter error_type,component
        agent_info gauge worker_id,version
        """

    private static func family(_ name: String) -> AgentMetricFamily? {
        AgentMetric.allCases.map(\.family).first { $0.name == name }
    }

    @Test(arguments: table.split(separator: "\n").map(String.init))
    func isAsTheGuidesHaveIt(row: String) throws {
        let words = row.split(separator: " ").map(String.init)
        let family = try #require(Self.family(words[0]))
        #expect("\(family.kind)" == words[1])
        #expect(
            family.labels
                == (words[2] == "-" ? [] : words[2].split(separator: ",").map(String.init)))
        #expect(
            family.buckets == words.dropFirst(3).map { Double($0.hasPrefix(".") ? "0" + $0 : $0) })
    }

    /// The guides' buckets, and ours above them.
    @Test(arguments: [
        ("voice_cost_per_call_usd", [0.01, 0.02, 0.03, 0.05, 0.07, 0.10, 0.15, 0.20], 5.0),
        ("mcp_tool_duration_seconds", [0.1, 0.5, 1, 2, 5, 10], 120.0),
    ])
    func bucketsGoOnWhereTheGuidesEnd(name: String, guides: [Double], last: Double) throws {
        let family = try #require(Self.family(name))
        #expect(Array(family.buckets.prefix(guides.count)) == guides)
        #expect(family.buckets.last == last)
    }

    @Test func everyNameIsTakenOnceAndBucketsRise() {
        let families = AgentMetric.allCases.map(\.family)
        #expect(Set(families.map(\.name)).count == families.count)
        for family in families {
            #expect(family.buckets == family.buckets.sorted())
            #expect(family.kind != .counter || family.name.hasSuffix("_total"))
            #expect(!family.help.isEmpty)
        }
    }

    @Test func thePageIsWhatPrometheusReads() throws {
        let metrics = AgentMetrics(worker: "w", version: "1")
        metrics.observe(.voiceLatency, ["phone"], 0.45)
        let text = String(decoding: metrics.text(), as: UTF8.self)
        #expect(text.contains("voice_latency_seconds_bucket{channel=\"phone\",le=\"0.5\"} 1"))
        #expect(text.contains("voice_latency_seconds_bucket{channel=\"phone\",le=\"0.4\"} 0"))
        #expect(text.contains("voice_latency_seconds_count{channel=\"phone\"} 1"))
    }
}
