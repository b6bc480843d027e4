import UproarCore

/// Puts the numbers of one call into the interval recorder: turns at the caller's end, calls at their due time.
struct CallSampler {
    let call: CallRecord
    let settings: FoldSettings

    func record(into recorder: inout IntervalRecorder) {
        for turn in call.turns { record(turn, &recorder) }
        for bargeIn in call.bargeIns { record(bargeIn, &recorder) }
        for gap in call.gaps {
            recorder.record(
                "playout_gap", call.tags, at: gap.at, value: gap.length.nanoseconds, call: call.id)
        }
        recordCall(&recorder)
    }

    private func record(_ turn: TurnRecord, _ recorder: inout IntervalRecorder) {
        let at = turn.ended
        for metric in TurnRecord.metrics {
            guard let sample = turn.sample(metric) else { continue }
            let provider = Stage(rawValue: metric).flatMap(turn.provider)?.name
            let tags = provider.map { call.tags.with("provider", $0) } ?? call.tags
            switch sample {
            case .exact(let value):
                recorder.record(metric, tags, at: at, value: value.nanoseconds, call: call.id)
            case .atLeast(let limit):
                recorder.recordCensored(
                    metric, tags, at: at, limit: limit.nanoseconds, call: call.id)
            }
        }
        if let gap = turn.claimGap {
            recorder.record("claim_gap", call.tags, at: at, value: gap.nanoseconds, call: call.id)
        }
        func count(_ metric: String, _ happened: Bool) {
            recorder.recordEvents(
                metric, call.tags, at: at, events: happened ? 1 : 0, call: call.id)
        }
        count("talk_over", turn.marks.contains(.talkedOver))
        recorder.recordEvents(
            "eot_misprediction", call.tags, at: at, events: Int(turn.mispredictions), call: call.id)
        if let isKept = turn.isToolResultKept { count("tool_results_kept", isKept) }
        // A reply nobody owed can be neither given nor lost.
        guard turn.outcome != .open else { return }
        count("turns_answered", turn.outcome == .answered)
        count("turns_good", turn.isGood(settings.targets))
        count("turns_late", turn.outcome == .late)
        count("turns_lost", turn.outcome == .lost)
        count("turns_duplicated", turn.marks.contains(.duplicated))
        count("turns_stale", turn.marks.contains(.stale))
        count("turns_truncated", turn.marks.contains(.truncated))
        count("turns_drifted", turn.marks.contains(.drifted))
        count("turns_interrupted", turn.marks.contains(.interrupted))
        count("turns_cross_talked", turn.marks.contains(.crossTalked))
        count("dead_air_over_2s", turn.marks.contains(.deadAir))
    }

    private func record(_ bargeIn: BargeInRecord, _ recorder: inout IntervalRecorder) {
        func count(_ metric: String, _ happened: Bool) {
            recorder.recordEvents(
                metric, call.tags, at: bargeIn.at, events: happened ? 1 : 0, call: call.id)
        }
        if let stop = bargeIn.stop, bargeIn.kind == .interruption {
            recorder.record(
                "barge_in_stop", call.tags, at: bargeIn.at, value: stop.nanoseconds, call: call.id)
        }
        guard bargeIn.outcome != .unjudged else { return }
        switch bargeIn.kind {
        case .interruption: count("barge_in_missed", bargeIn.outcome == .missed)
        case .backchannel, .noise: count("barge_in_false", bargeIn.outcome == .false)
        }
        count("barge_in_resumed", bargeIn.outcome == .resumed)
    }

    private func recordCall(_ recorder: inout IntervalRecorder) {
        guard let due = call.due else { return }
        func record(_ metric: String, _ value: Duration?, at: Instant) {
            guard let value else { return }
            recorder.record(metric, call.tags, at: at, value: value.nanoseconds, call: call.id)
        }
        func count(_ metric: String, _ happened: Bool) {
            recorder.recordEvents(
                metric, call.tags, at: due, events: happened ? 1 : 0, call: call.id)
        }
        if let answered = call.answered {
            record("call_setup", answered - due, at: due)
            record("call_setup_actual", call.dialed.map { answered - $0 }, at: due)
            record("greeting", call.greeting, at: answered)
            record("jitter", call.jitter, at: answered)
        } else if call.outcome != .cutByRun {
            recorder.recordMissed("call_setup", call.tags, at: due, call: call.id)
            recorder.recordMissed("call_setup_actual", call.tags, at: due, call: call.id)
        }
        record("arrival_lateness", call.dialed.map { $0 - due }, at: due)
        count("call_not_started", call.outcome == .notStarted)
        count("calls_refused", call.outcome == .refused)
        count("calls_dropped", call.outcome == .dropped)
        count("calls_abandoned", call.outcome == .abandoned)
        // A call the run itself cut says nothing about completing.
        if call.outcome != .cutByRun { count("calls_completed", call.outcome == .completed) }
        if let resumed = call.resumed { count("sessions_resumed", resumed) }
        if let told = call.isToldOfResumption { count("resumptions_told", told) }
        if call.answered != nil { count("text_fallbacks", call.shownText) }
        if let passed = call.taskPassed { count("task_completed", passed) }
        guard let cost = call.cost else { return }
        let nanoDollars = StoredUnit.stored(cost, .money)
        recorder.record("cost_per_call", call.tags, at: due, value: nanoDollars, call: call.id)
        guard call.connected > .zero else { return }
        recorder.record(
            "cost_per_minute", call.tags, at: due,
            value: StoredUnit.stored(cost * 60 / call.connected.inSeconds, .money), call: call.id)
        recorder.recordRatio(
            "cost_per_minute", call.tags, at: due, numerator: nanoDollars,
            denominator: call.connected.nanoseconds)
    }
}
