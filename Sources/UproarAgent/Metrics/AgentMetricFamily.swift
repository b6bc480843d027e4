import UproarWire

/// One metric of the agent's page: its name, kind, labels and buckets are what dashboards and alerts are written against.
struct AgentMetricFamily: Hashable, Sendable {
    var name: String
    var kind: PrometheusFamily.Kind
    var labels: [String] = []
    /// Upper bounds in the metric's unit, for histograms.
    var buckets: [Double] = []
    var help: String
}

/// Every metric the agent exposes: a literal list, in the order of the page.
enum AgentMetric: Int, CaseIterable, Sendable {
    case voiceLatency, sttDuration, llmDuration, ttsDuration, costPerCall, transcriptionErrors
    case sessionDuration, activeSessions, maximumSessions, sessions, refused
    case sttFailover, llmFailover, ttsFailover, failback, breakerState, breakerTrips, probes
    case authFailures
    case jobs, jobDuration, queueDepth
    case httpRequests, httpDuration, mcpCalls, mcpDuration
    case activeWorkflows, workflowExecutions, workflowDuration, eventEmission, workflowsDropped
    case memory, cpu, errors, info
    case handOffs
    case providerCost, degraded, pages, silence, storeDurable, taskCache, recordings,
        recordingsPending,
        rateLimited

    var family: AgentMetricFamily { Self.families[rawValue] }

    private static let turns: [Double] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 2]

    private static let families: [AgentMetricFamily] = allCases.map { metric in
        switch metric {
        case .voiceLatency:
            .init(
                name: "voice_latency_seconds", kind: .histogram, labels: ["channel"],
                buckets: [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.5, 2],
                help: "From the caller's complete utterance to the first audio of the reply.")
        case .sttDuration:
            .init(
                name: "voice_stt_duration_seconds", kind: .histogram, labels: ["provider"],
                buckets: [0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1],
                help: "From the end of speech to the final result.")
        case .llmDuration:
            .init(
                name: "voice_llm_duration_seconds", kind: .histogram, labels: ["model"],
                buckets: turns, help: "From the request to the first token.")
        case .ttsDuration:
            .init(
                name: "voice_tts_duration_seconds", kind: .histogram, labels: ["provider"],
                buckets: [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5],
                help: "From the first text to the first audio.")
        case .costPerCall:
            .init(
                name: "voice_cost_per_call_usd", kind: .histogram, labels: ["channel"],
                buckets: [
                    0.01, 0.02, 0.03, 0.05, 0.07, 0.10, 0.15, 0.20, 0.3, 0.5, 0.75, 1, 1.5, 2,
                    3, 5,
                ], help: "What the providers of a call cost, by the price file.")
        case .transcriptionErrors:
            .init(
                name: "voice_transcription_errors_total", kind: .counter,
                labels: ["provider", "error_type"], help: "Failures of the speech recognisers.")
        case .sessionDuration:
            .init(
                name: "voice_session_duration_seconds", kind: .histogram,
                labels: ["channel", "outcome"], buckets: [30, 60, 120, 300, 600, 1200, 1800],
                help: "How long calls lasted, by their end.")
        case .activeSessions:
            .init(name: "voice_agent_active_sessions", kind: .gauge, help: "Calls going on.")
        case .maximumSessions:
            .init(
                name: "voice_agent_maximum_sessions", kind: .gauge,
                help: "Calls that the worker takes at a time.")
        case .sessions:
            .init(name: "voice_agent_sessions_total", kind: .counter, help: "Calls taken.")
        case .refused:
            .init(
                name: "voice_agent_refused_total", kind: .counter, labels: ["reason"],
                help: "Calls refused before they began.")
        case .sttFailover: failover("stt", "recogniser")
        case .llmFailover: failover("llm", "model")
        case .ttsFailover: failover("tts", "voice")
        case .failback:
            .init(
                name: "voice_failback_total", kind: .counter, labels: ["role", "from", "to"],
                help: "Returns to a provider that a probe has proven to work again.")
        case .breakerState:
            .init(
                name: "voice_circuit_breaker_state", kind: .gauge, labels: ["role", "provider"],
                help: "0 closed, 1 half-open, 2 open.")
        case .breakerTrips:
            .init(
                name: "voice_circuit_breaker_trips_total", kind: .counter,
                labels: ["role", "provider"], help: "How often a breaker opened.")
        case .probes:
            .init(
                name: "voice_provider_probes_total", kind: .counter,
                labels: ["role", "provider", "result"],
                help: "Probes of providers that had failed.")
        case .authFailures:
            .init(
                name: "voice_provider_auth_failures_total", kind: .counter,
                labels: ["role", "provider"],
                help: "Requests refused for our key: someone has to act.")
        case .jobs:
            .init(
                name: "livekit_agent_jobs_total", kind: .counter, labels: ["status"],
                help: "Calls by how they ended.")
        case .jobDuration:
            .init(
                name: "livekit_agent_job_duration_seconds", kind: .histogram,
                buckets: [30, 60, 120, 300, 600, 1200, 1800], help: "How long calls lasted.")
        case .queueDepth:
            .init(
                name: "livekit_queue_depth", kind: .gauge,
                help: "Calls waiting for a worker: none wait, a full worker refuses.")
        case .httpRequests:
            .init(
                name: "http_requests_total", kind: .counter,
                labels: ["method", "endpoint", "status_code"], help: "Requests answered.")
        case .httpDuration:
            .init(
                name: "http_request_duration_seconds", kind: .histogram,
                labels: ["method", "endpoint"], buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10],
                help: "From the request's head to the answer.")
        case .mcpCalls:
            .init(
                name: "mcp_tool_calls_total", kind: .counter,
                labels: ["server", "tool", "status"], help: "Tool calls by their result.")
        case .mcpDuration:
            .init(
                name: "mcp_tool_duration_seconds", kind: .histogram, labels: ["server", "tool"],
                buckets: [0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120],
                help: "How long tool calls took, those that timed out included.")
        case .activeWorkflows:
            .init(
                name: "active_workflows", kind: .gauge, labels: ["workflow_type"],
                help: "Workflow events waiting or on their way.")
        case .workflowExecutions:
            .init(
                name: "workflow_executions_total", kind: .counter,
                labels: ["workflow_type", "status"], help: "Workflow events by their result.")
        case .workflowDuration:
            .init(
                name: "workflow_duration", kind: .histogram, labels: ["workflow_type"],
                buckets: [0.1, 0.5, 1, 2, 5, 10, 30, 60],
                help: "From the event to the workflow's answer.")
        case .eventEmission:
            .init(
                name: "workflow_event_emission_seconds", kind: .histogram,
                buckets: [0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1],
                help: "What emitting an event costs the conversation.")
        case .workflowsDropped:
            .init(
                name: "workflow_dead_letters_total", kind: .counter, labels: ["workflow_type"],
                help: "Events given up and put into the dead-letter file.")
        case .memory:
            .init(
                name: "memory_usage_bytes", kind: .gauge, labels: ["component"],
                help: "Resident memory of the worker, and its limit.")
        case .cpu:
            .init(
                name: "cpu_usage_percent", kind: .gauge, labels: ["component"],
                help: "Processor time of the worker, of one core.")
        case .errors:
            .init(
                name: "errors_total", kind: .counter, labels: ["error_type", "component"],
                help: "Failures by kind and by where they came from.")
        case .info:
            .init(
                name: "agent_info", kind: .gauge, labels: ["worker_id", "version"],
                help: "Always 1.")
        case .providerCost:
            .init(
                name: "voice_provider_cost_usd_total", kind: .counter, labels: ["provider"],
                help: "What each provider has cost, by the price file.")
        case .handOffs:
            .init(
                name: "voice_handoffs_total", kind: .counter, labels: ["channel"],
                help: "Callers who were passed on to a person.")
        case .degraded:
            .init(
                name: "voice_degraded_total", kind: .counter, labels: ["channel", "method"],
                help: "Calls whose voice failed entirely, by what was done instead.")
        case .pages:
            .init(
                name: "voice_oncall_pages_total", kind: .counter,
                help: "Times the person on call was paged because voice and fallback failed.")
        case .silence:
            .init(
                name: "voice_silence_seconds", kind: .histogram,
                buckets: [0.5, 1, 1.5, 2, 2.5, 3, 5, 10],
                help: "Silence between the caller's turn and the first audio of anything.")
        case .storeDurable:
            .init(
                name: "voice_session_store_durable", kind: .gauge,
                help: "1 while sessions reach the store, 0 while they live in memory only.")
        case .taskCache:
            .init(
                name: "voice_task_list_cache_total", kind: .counter, labels: ["result"],
                help: "Task lists asked for, by whether they were at hand.")
        case .recordings:
            .init(
                name: "voice_recordings_total", kind: .counter, labels: ["status"],
                help: "Recordings by what became of them.")
        case .recordingsPending:
            .init(
                name: "voice_recordings_pending", kind: .gauge,
                help: "Recordings on disk that are not uploaded yet.")
        case .rateLimited:
            .init(
                name: "voice_rate_limited_total", kind: .counter,
                help: "Requests refused because one person made too many.")
        }
    }

    private static func failover(_ role: String, _ what: String) -> AgentMetricFamily {
        .init(
            name: "voice_\(role)_failover_total", kind: .counter, labels: ["from", "to"],
            help: "Moves from a \(what) that failed to the next one.")
    }
}
