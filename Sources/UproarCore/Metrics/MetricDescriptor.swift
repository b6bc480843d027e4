/// One metric: what a gate may name, with its unit and the facts between which it lies.
package struct MetricDescriptor: Hashable, Sendable {
    /// What its values are: decides which units a gate may write.
    package enum Dimension: String, Sendable {
        /// Written `900ms`, `1.2s`; stored in nanoseconds, recorded from 1 µs to 1 h.
        case time
        /// Written `$0.07`.
        case money
        /// A number without unit.
        case count
        /// Written `99.5%`; a share of events.
        case share
        /// Written `20MB`, `64KB`.
        case bytes
        /// Written `100Kbps`.
        case bitrate
        /// Written `0.16cores`.
        case cores
    }

    package var name: String
    package var dimension: Dimension
    package var summary: String
    /// The aggregate of a gate that names none makes no sense; this lists those that do (`p95`, `count`, …) by kind.
    package var kind: Kind

    package enum Kind: String, Sendable {
        /// A distribution: quantiles, mean, min, max, count, share.
        case samples
        /// Events: count, per_s, rate (of what it is a share of).
        case events
        /// One number for the run.
        case value
    }

    /// Its samples come from calls, so those of different transports are different things; what the harness measures of itself, and
    /// what it knows of faults, is the same for all.
    package var isOfOneChannel: Bool { kind == .samples && !Self.ofTheRun.contains(name) }

    private static let ofTheRun = [
        "arrival_lateness", "send_lateness", "detect_time", "failover_time", "failback_time",
        "recovery_time",
    ]

    package init(_ name: String, _ dimension: Dimension, _ kind: Kind, _ summary: String) {
        self.name = name
        self.dimension = dimension
        self.kind = kind
        self.summary = summary
    }
}

/// Every metric a gate may name: a literal list.
package enum MetricCatalog {
    package static let all: [MetricDescriptor] = [
        .init(
            "voice_to_voice", .time, .samples,
            "Caller's last voiced sample (due) to the first audible agent sample at the ear."),
        .init(
            "voice_to_voice_actual", .time, .samples,
            "The same from when that sample was really sent: leaves the harness's lateness out."),
        .init(
            "voice_to_answer", .time, .samples,
            "The same start to the reply itself, past fillers and ambience."),
        .init(
            "voice_to_voice_wire", .time, .samples,
            "The same start to the arrival of that sample on the wire."),
        .init(
            "uplink", .time, .samples,
            "Caller's end (due) to the last voiced sample at the speech-to-text provider."),
        .init(
            "stt", .time, .samples,
            "Last voiced sample at the speech-to-text provider to its last final result."),
        .init(
            "endpointing", .time, .samples,
            "Last final result to the first language-model request; negative when speculative."),
        .init(
            "tools", .time, .samples,
            "First language-model request to the request of the heard reply."),
        .init(
            "llm_first_token", .time, .samples, "Request of the heard reply to its first content."),
        .init(
            "sentence", .time, .samples, "First content to the first text at the voice provider."),
        .init(
            "tts_first_byte", .time, .samples,
            "First text at the voice provider to its first audio."),
        .init("downlink", .time, .samples, "First audio of the reply to its first audible sample."),
        .init(
            "agent_share", .time, .samples,
            "Of each turn, the stages the agent owns: endpointing, tools, sentence, downlink."),
        .init(
            "provider_share", .time, .samples,
            "Of each turn, the stages the providers own: stt, llm_first_token, tts_first_byte."),
        .init("greeting", .time, .samples, "Answered to the first audible agent sample."),
        .init("call_setup", .time, .samples, "Intended start of a call to its answer."),
        .init("call_setup_actual", .time, .samples, "Actual dial of a call to its answer."),
        .init(
            "barge_in_stop", .time, .samples,
            "First annotated sample of an interruption to the agent's last audible one."),
        .init("dead_air", .time, .samples, "Longest silence of a turn while a reply is owed."),
        .init(
            "claim_gap", .time, .samples,
            "Heard latency of a turn minus the agent's own claim of it, where it makes one."),
        .init("playout_gap", .time, .samples, "Gaps over 60 ms while the agent was speaking."),
        .init(
            "jitter", .time, .samples,
            "Inter-arrival jitter of the agent's audio, RFC 3550, one value per call."),
        .init(
            "arrival_lateness", .time, .samples,
            "Actual dial minus intended start of a call: the harness's own."),
        .init(
            "send_lateness", .time, .samples,
            "Actual send minus due time of a frame: the harness's own."),
        .init(
            "detect_time", .time, .samples,
            "The first thing owed to a call that a fault met to its first request at another provider."
        ),
        .init(
            "failover_time", .time, .samples,
            "The first thing owed to a call that a fault met to the first success of another provider for it."
        ),
        .init(
            "failback_time", .time, .samples,
            "A fault's end to the first success of the primary, where another provider had stood in."
        ),
        .init(
            "recovery_time", .time, .samples,
            "First wrong turn of the calls a fault met to the first good one after the last."),
        .init(
            "recovery_under_fault", .time, .samples,
            "First wrong turn of the calls a fault met to the first run of good ones while it lasts."
        ),
        .init(
            "recovery_lag", .time, .samples,
            "A fault's end to the first good turn after the last wrong one of the calls it met."),
        .init(
            "calls_exposed", .count, .value,
            "Calls that a fault met, or that its provider owed something while it lasted."),
        .init("calls_affected", .count, .value, "Exposed calls with a wrong turn."),
        .init(
            "calls_collateral", .count, .value,
            "Calls that a fault did not meet and that had a wrong turn all the same."),
        .init(
            "fault_calls_dropped", .count, .value,
            "Calls that ended early from a fault's first effect to the end of its recovery window."),
        .init(
            "amplification", .count, .value,
            "Requests by turn while a fault lasted, as a multiple of before."),
        .init(
            "extra_latency", .time, .value,
            "Median latency of the turns that another provider served, minus the median before."),
        .init(
            "extra_cost_per_turn", .money, .value,
            "What a turn cost at the providers that stood in, minus what it cost before."),
        .init(
            "bad_call_time", .time, .value,
            "Time from the first wrong turn of each call a fault met to its first good one after the last."
        ),
        .init("cost_per_call", .money, .samples, "Provider cost of a call."),
        .init(
            "cost_per_minute", .money, .samples,
            "Provider cost of a call by connected minute; mean is total cost by total time."),
        .init(
            "turns_answered", .count, .events,
            "Turns with an answer; rate is their share of the turns owed."),
        .init(
            "turns_good", .count, .events,
            "Turns answered in time that met every per-turn limit of the gates; rate is goodput."),
        .init("turns_lost", .count, .events, "Turns that never got an answer."),
        .init("turns_late", .count, .events, "Turns answered after the caller's patience."),
        .init("turns_duplicated", .count, .events, "Turns with two audible replies."),
        .init("turns_stale", .count, .events, "Replies that belong to an earlier turn."),
        .init("turns_truncated", .count, .events, "Replies that ended before their last word."),
        .init(
            "turns_drifted", .count, .events,
            "Context drift: replies that the agent's history holds otherwise than they were heard."),
        .init("turns_interrupted", .count, .events, "Replies the caller cut on purpose."),
        .init("turns_cross_talked", .count, .events, "Replies that belong to another call."),
        .init(
            "talk_over", .count, .events,
            "Turns in which the agent spoke before the caller had ended."),
        .init(
            "eot_misprediction", .count, .events,
            "Agent onsets inside a labelled pause of the caller."),
        .init(
            "dead_air_over_2s", .count, .events,
            "Turns with more than 2 s of silence while a reply was owed."),
        .init(
            "barge_in_missed", .count, .events,
            "Interruptions to which the agent did not yield; rate is their share."),
        .init(
            "barge_in_false", .count, .events,
            "Backchannels and noise to which the agent yielded; rate is their share."),
        .init(
            "barge_in_resumed", .count, .events,
            "Times the agent yielded and then went on with the same reply."),
        .init(
            "calls_completed", .count, .events,
            "Calls that ran their script to the end; rate is their share of the calls due."),
        .init("calls_dropped", .count, .events, "Calls that the agent or the network ended early."),
        .init("calls_refused", .count, .events, "Calls that were never answered."),
        .init("calls_abandoned", .count, .events, "Calls that the caller gave up."),
        .init("call_not_started", .count, .events, "Calls that were due and never dialled."),
        .init(
            "task_completed", .share, .events,
            "Conversation checks that passed; rate is their share."),
        .init(
            "sessions_resumed", .share, .events,
            "Calls after a drop in which the agent knew what was said before; rate is their share of those that asked."
        ),
        .init(
            "resumptions_told", .share, .events,
            "Calls after a drop whose caller heard that the agent goes on with the earlier one; rate is their share of those that asked."
        ),
        .init(
            "tool_results_kept", .share, .events,
            "Tool calls whose result the caller did not wait for, and that stands in a later question; rate is their share."
        ),
        .init(
            "tasks_lost", .count, .events,
            "Tasks whose creation the agent told the model of, and which its store has not; rate is their share."
        ),
        .init(
            "tasks_duplicated", .count, .events,
            "Utterances that made more than one task in the agent's store."),
        .init(
            "text_fallbacks", .count, .events,
            "Calls to which the agent showed text instead of speaking; rate is their share."),
        .init(
            "messages_sent", .count, .events,
            "Text messages that the emulated telephone provider took."),
        .init(
            "pages_sent", .count, .events,
            "Pages to the person on call that the emulated hook took."),
        .init(
            "workflow_events", .count, .events,
            "Workflow events that the emulated hook took, each counted once."),
        .init(
            "workflow_repeated", .count, .events,
            "Workflow events that came once more."),
        .init(
            "recordings_kept", .count, .events,
            "Recordings found in the store, whole, readable and as long as their calls; rate is their share."
        ),
        .init(
            "recordings_lost", .count, .events,
            "Calls whose recording never reached the store."),
        .init(
            "recordings_damaged", .count, .events,
            "Recordings that are there twice, cannot be read, or are not as long as their calls."),
        .init(
            "recordings_late", .count, .events,
            "Recordings that reached the store more than 30 s after their call."),
        .init(
            "recordings_stopped", .count, .events,
            "Recordings that end long before their call does: the caller asked for it."),
        .init(
            "recordings_orphaned", .count, .events,
            "Objects and unfinished uploads in the store that belong to no call."),
        .init(
            "agent_cpu_per_call", .cores, .value,
            "CPU of the agent's process tree by connected call, generator and emulators left out."),
        .init(
            "agent_memory_per_call", .bytes, .value,
            "Memory of the agent's process tree above idle, by connected call."),
        .init(
            "agent_kbps_per_call", .bitrate, .value, "Media bits per second of a call, both ways."),
        .init(
            "agent_cold_start", .time, .value,
            "From the start of the agent's process until it takes calls."),
    ]

    package static func named(_ name: String) -> MetricDescriptor? { all.first { $0.name == name } }
}
