import UproarCore

/// One call as JSON: an entry of `worst_calls`, and a line of `calls.jsonl`. Times are milliseconds since the run's first
/// due arrival; what was not observed is absent.
extension CallRecord {
    package var json: JSONValue {
        .present([
            "call": .integer(Int64(id)),
            "tags": tags.json,
            "outcome": .string(outcome.word),
            "ended_by": ending == .unknown ? .null : .string(ending.word),
            "due_ms": .milliseconds(due),
            "dialed_ms": .milliseconds(dialed),
            "answered_ms": .milliseconds(answered),
            "ended_ms": .milliseconds(ended),
            "connected_ms": .milliseconds(connected),
            "refusal": refusal.map { .integer(Int64($0)) } ?? .null,
            "reason": reason.map { .string($0) } ?? .null,
            "greeting_ms": .milliseconds(greeting),
            "jitter_ms": .milliseconds(jitter),
            "patience_ms": .milliseconds(patience),
            "is_tagged": isTagged ? .null : .bool(false),
            "task_passed": taskPassed.map { .bool($0) } ?? .null,
            "resumed": resumed.map { .bool($0) } ?? .null,
            "told_resumption": isToldOfResumption.map { .bool($0) } ?? .null,
            "shown_text": shownText ? .bool(true) : .null,
            "cost": JSONValue(cost),
            "usage": JSONValue.array(usage.map(\.json)).unlessEmpty,
            "bytes_sent": .integer(bytesSent),
            "bytes_received": .integer(bytesReceived),
            "frames_sent": .integer(Int64(framesSent)),
            "frames_skipped": JSONValue.integer(Int64(framesSkipped)).unlessEmpty,
            "cross_talk": JSONValue.integer(Int64(crossTalkCount)).unlessEmpty,
            "late_renders": JSONValue.integer(Int64(lateRenders)).unlessEmpty,
            "strange_facts": JSONValue.integer(Int64(strangeFacts)).unlessEmpty,
            "turns": .array(turns.map(\.json)),
            "barge_ins": JSONValue.array(bargeIns.map(\.json)).unlessEmpty,
            "gaps": JSONValue.array(
                gaps.map { ["at_ms": .milliseconds($0.at), "length_ms": .milliseconds($0.length)] }
            ).unlessEmpty,
            "agent_speech": JSONValue.array(
                agentSpeech.map {
                    .present([
                        "from_ms": .milliseconds($0.onset), "wire_ms": .milliseconds($0.wire),
                        "to_ms": .milliseconds($0.end),
                    ])
                }
            ).unlessEmpty,
        ])
    }

    package init(json: JSONValue) throws(ResultError) {
        try self.init(try ResultFields(json, path: "call"))
    }

    init(_ fields: ResultFields) throws(ResultError) {
        guard let id = UInt32(exactly: try fields.int("call")) else {
            throw ResultError(path: "\(fields.path).call", reason: "not a call id")
        }
        let word = try fields.text("outcome")
        guard let outcome = CallOutcome.allCases.first(where: { $0.word == word }) else {
            throw ResultError(path: "\(fields.path).outcome", reason: "'\(word)' is not known")
        }
        self.init(
            CallDescription(
                id: id, tags: MetricTags(json: fields.value["tags"]),
                isTagged: fields.value["is_tagged"]?.isTrue ?? true,
                patience: fields.duration("patience_ms") ?? .zero), outcome: outcome)
        let end = fields.text("ended_by", else: "")
        ending = CallEnding.allCases.first { $0.word == end } ?? .unknown
        due = fields.instant("due_ms")
        dialed = fields.instant("dialed_ms")
        answered = fields.instant("answered_ms")
        ended = fields.instant("ended_ms")
        connected = fields.duration("connected_ms") ?? .zero
        refusal = fields.value["refusal"]?.int.flatMap { UInt32(exactly: $0) }
        reason = fields.value["reason"]?.text
        greeting = fields.duration("greeting_ms")
        jitter = fields.duration("jitter_ms")
        taskPassed = fields.value["task_passed"]?.isTrue
        resumed = fields.value["resumed"]?.isTrue
        isToldOfResumption = fields.value["told_resumption"]?.isTrue
        shownText = fields.value["shown_text"]?.isTrue ?? false
        cost = fields.double("cost")
        bytesSent = Int64(fields.int("bytes_sent", else: 0))
        bytesReceived = Int64(fields.int("bytes_received", else: 0))
        framesSent = UInt32(clamping: fields.int("frames_sent", else: 0))
        framesSkipped = UInt32(clamping: fields.int("frames_skipped", else: 0))
        crossTalkCount = UInt32(clamping: fields.int("cross_talk", else: 0))
        lateRenders = UInt32(clamping: fields.int("late_renders", else: 0))
        strangeFacts = UInt32(clamping: fields.int("strange_facts", else: 0))
        for item in try fields.objects("usage") { usage.append(try UsageRecord(item)) }
        for item in try fields.objects("turns") { turns.append(try TurnRecord(item)) }
        for item in try fields.objects("barge_ins") { bargeIns.append(try BargeInRecord(item)) }
        for item in try fields.objects("gaps") {
            gaps.append(
                GapRecord(
                    at: try item.requiredInstant("at_ms"),
                    length: item.duration("length_ms") ?? .zero))
        }
        for item in try fields.objects("agent_speech") {
            let onset = try item.requiredInstant("from_ms")
            agentSpeech.append(
                SpeechRun(
                    onset: onset, wire: item.instant("wire_ms") ?? onset,
                    end: item.instant("to_ms")))
        }
    }
}

extension CallOutcome {
    /// The word in JSON and reports.
    package var word: String {
        switch self {
        case .completed: "completed"
        case .abandoned: "abandoned"
        case .dropped: "dropped"
        case .refused: "refused"
        case .notStarted: "not_started"
        case .cutByRun: "cut_by_run"
        }
    }
}

extension BargeInKind {
    package var word: String { "\(self)" }
}

extension BargeInRecord {
    var json: JSONValue {
        .present([
            "at_ms": .milliseconds(at), "kind": .string(kind.word),
            "outcome": .string(outcome.rawValue), "stop_ms": .milliseconds(stop),
        ])
    }

    init(_ fields: ResultFields) throws(ResultError) {
        let word = try fields.text("kind")
        guard let kind = BargeInKind.allCases.first(where: { $0.word == word }) else {
            throw ResultError(path: "\(fields.path).kind", reason: "'\(word)' is not known")
        }
        self.init(
            at: try fields.requiredInstant("at_ms"), kind: kind,
            outcome: try fields.word("outcome", Outcome.self), stop: fields.duration("stop_ms"))
    }
}

extension ProviderUsage {
    var members: [JSONValue.Member] {
        [
            .init("audio_ms", JSONValue.milliseconds(audio)),
            .init("prompt_tokens", .integer(promptTokens)),
            .init("completion_tokens", .integer(completionTokens)),
            .init("characters", .integer(characters)), .init("requests", .integer(requests)),
            .init("uncounted", .integer(uncounted)),
        ].filter { $0.value != .integer(0) }
    }

    init(_ fields: ResultFields) {
        self.init()
        audio = fields.duration("audio_ms") ?? .zero
        promptTokens = Int64(fields.int("prompt_tokens", else: 0))
        completionTokens = Int64(fields.int("completion_tokens", else: 0))
        characters = Int64(fields.int("characters", else: 0))
        requests = Int64(fields.int("requests", else: 0))
        uncounted = Int64(fields.int("uncounted", else: 0))
    }
}

extension UsageRecord {
    var json: JSONValue {
        var members = [JSONValue.Member("provider", .string(provider.name))] + usage.members
        if let cost { members.append(.init("dollars", .number(cost))) }
        return .object(members)
    }

    init(_ fields: ResultFields) throws(ResultError) {
        let name = try fields.text("provider")
        guard let provider = ProviderID(name: name) else {
            throw ResultError(path: "\(fields.path).provider", reason: "'\(name)' is not known")
        }
        self.init(
            provider: provider, usage: ProviderUsage(fields), cost: fields.double("dollars"))
    }
}

extension TurnSample {
    var json: JSONValue {
        switch self {
        case .exact(let value): .milliseconds(value)
        case .atLeast(let limit): ["at_least_ms": .milliseconds(limit)]
        }
    }

    init?(_ fields: ResultFields, _ key: String) {
        if let value = fields.duration(key) {
            self = .exact(value)
        } else if let inner = fields.value[key], let object = try? ResultFields(inner, path: key),
            let limit = object.duration("at_least_ms")
        {
            self = .atLeast(limit)
        } else {
            return nil
        }
    }
}

extension TurnRecord {
    var json: JSONValue {
        .present([
            "utterance": .integer(Int64(utterance)),
            "clip": .integer(Int64(clip)),
            "began_ms": .milliseconds(began),
            "ended_ms": .milliseconds(ended),
            "outcome": .string(outcome.rawValue),
            "marks": JSONValue.array(marks.names.map { .string($0) }).unlessEmpty,
            "voice_to_voice_ms": voiceToVoice?.json ?? .null,
            "voice_to_voice_actual_ms": voiceToVoiceActual?.json ?? .null,
            "voice_to_voice_wire_ms": .milliseconds(voiceToVoiceWire),
            "voice_to_answer_ms": voiceToAnswer?.json ?? .null,
            "stages_ms": JSONValue.object(
                Stage.allCases.compactMap { stage in
                    self[stage].map { JSONValue.Member(stage.rawValue, .milliseconds($0)) }
                }
            ).unlessEmpty,
            "reached": reached.map { .string($0.rawValue) } ?? .null,
            "dead_air_ms": deadAir?.json ?? .null,
            "mispredictions": JSONValue.integer(Int64(mispredictions)).unlessEmpty,
            "claim_gap_ms": .milliseconds(claimGap),
            "tool_result_kept": isToolResultKept.map { .bool($0) } ?? .null,
            "reply": reply.map { .integer(Int64($0)) } ?? .null,
            "stt": JSONValue(speechToText?.name),
            "llm": JSONValue(languageModel?.name),
            "tts": JSONValue(textToSpeech?.name),
        ])
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            utterance: UInt32(clamping: try fields.int("utterance")),
            clip: UInt32(clamping: fields.int("clip", else: 0)),
            began: try fields.requiredInstant("began_ms"),
            ended: try fields.requiredInstant("ended_ms"))
        outcome = try fields.word("outcome", TurnOutcome.self)
        for name in fields.texts("marks") {
            for (mark, known) in TurnMarks.names where known == name { marks.insert(mark) }
        }
        voiceToVoice = TurnSample(fields, "voice_to_voice_ms")
        voiceToVoiceActual = TurnSample(fields, "voice_to_voice_actual_ms")
        voiceToVoiceWire = fields.duration("voice_to_voice_wire_ms")
        voiceToAnswer = TurnSample(fields, "voice_to_answer_ms")
        if fields.has("stages_ms") {
            let parts = try fields.object("stages_ms")
            for stage in Stage.allCases { self[stage] = parts.duration(stage.rawValue) }
        }
        reached = Stage(rawValue: fields.text("reached", else: ""))
        deadAir = TurnSample(fields, "dead_air_ms")
        mispredictions = UInt32(clamping: fields.int("mispredictions", else: 0))
        claimGap = fields.duration("claim_gap_ms")
        isToolResultKept = fields.value["tool_result_kept"]?.isTrue
        reply = fields.value["reply"]?.int.flatMap { UInt32(exactly: $0) }
        speechToText = fields.value["stt"]?.text.flatMap { ProviderID(name: $0) }
        languageModel = fields.value["llm"]?.text.flatMap { ProviderID(name: $0) }
        textToSpeech = fields.value["tts"]?.text.flatMap { ProviderID(name: $0) }
    }
}
