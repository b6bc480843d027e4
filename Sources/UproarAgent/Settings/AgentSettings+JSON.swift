import UproarCore

/// The settings as a child's configuration file: every key is optional, an unknown one is an error.
extension AgentSettings {
    private enum Place {
        case text(WritableKeyPath<AgentSettings, String>)
        case whole(WritableKeyPath<AgentSettings, Int>)
        case flag(WritableKeyPath<AgentSettings, Bool>)
        /// Written as a number of milliseconds.
        case time(WritableKeyPath<AgentSettings, Duration>)
    }

    /// The keys, in the order of the file.
    private static var places: [(key: String, place: Place)] {
        [
            ("host", .text(\.host)), ("port", .whole(\.portNumber)),
            ("media_path", .text(\.mediaPath)), ("browser_path", .text(\.browserPath)),
            ("browser_consent", .flag(\.asksConsent)), ("consent_text", .text(\.consentText)),
            ("vision", .flag(\.sees)), ("stt_format", .text(\.hearingFormat)),
            ("tts_format", .text(\.speakingFormat)), ("converters", .text(\.converters)),
            ("maximum_calls", .whole(\.maximumCalls)),
            ("worker", .text(\.worker)), ("deepgram_url", .text(\.deepgramURL)),
            ("openai_url", .text(\.openaiURL)), ("cartesia_url", .text(\.cartesiaURL)),
            ("assemblyai_url", .text(\.assemblyaiURL)), ("whisper_url", .text(\.whisperURL)),
            ("elevenlabs_url", .text(\.elevenlabsURL)), ("redis_url", .text(\.redisURL)),
            ("stt", .text(\.recognisers)), ("llm", .text(\.models)), ("tts", .text(\.voices)),
            ("recogniser_model", .text(\.recogniserModel)),
            ("assemblyai_model", .text(\.assemblyaiModel)),
            ("whisper_model", .text(\.whisperModel)), ("voice_model", .text(\.voiceModel)),
            ("voice", .text(\.voice)), ("elevenlabs_model", .text(\.elevenlabsModel)),
            ("elevenlabs_voice", .text(\.elevenlabsVoice)), ("language", .text(\.language)),
            ("instructions", .text(\.instructions)), ("greeting", .text(\.greeting)),
            ("resumption", .text(\.resumption)),
            ("tool_acknowledgement", .text(\.toolAcknowledgement)),
            ("tool_filler", .text(\.toolFiller)), ("long_filler", .text(\.longFiller)),
            ("filler_after_ms", .time(\.fillerAfter)), ("filler_every_ms", .time(\.fillerEvery)),
            ("hold_phrase", .text(\.holdPhrase)), ("hold_after_ms", .time(\.holdAfter)),
            ("apology", .text(\.apology)), ("prepare_phrases", .flag(\.preparesPhrases)),
            ("echo", .flag(\.echoes)), ("batch_ms", .time(\.batch)),
            ("silent_batch_ms", .time(\.silentBatch)), ("chunk_ms", .time(\.chunk)),
            ("mark_every_ms", .time(\.markEvery)), ("stable_interim_ms", .time(\.stableInterim)),
            ("finish_after_ms", .time(\.finishAfter)), ("endpointing_ms", .time(\.endpointing)),
            ("final_wait_ms", .time(\.finalWait)), ("barge_in_ms", .time(\.bargeIn)),
            ("backchannel_window_ms", .time(\.backchannelWindow)),
            ("heard_history", .flag(\.keepsHeard)), ("answer_again", .flag(\.answersAgain)),
            ("late_results", .flag(\.keepsLateResults)),
            ("first_words", .whole(\.firstWords)),
            ("tools", .flag(\.offersTools)), ("prices", .text(\.prices)),
            ("workflow_attempts", .whole(\.workflowAttempts)),
            ("workflow_url", .text(\.workflowURL)), ("workflow_waits", .flag(\.workflowWaits)),
            ("pager_url", .text(\.pagerURL)),
            ("twilio_url", .text(\.twilioURL)), ("twilio_account", .text(\.twilioAccount)),
            ("twilio_number", .text(\.twilioNumber)), ("degradation", .flag(\.degrades)),
            ("message_fallback", .text(\.messageFallback)),
            ("browser_fallback", .text(\.browserFallback)),
            ("outage_phrase", .text(\.outagePhrase)), ("outage_after", .whole(\.outageAfter)),
            ("handoff", .flag(\.handsOff)), ("handoff_phrase", .text(\.handOffPhrase)),
            ("handoff_number", .text(\.handOffNumber)),
            ("recording", .flag(\.records)), ("recording_url", .text(\.recordingURL)),
            ("recording_bucket", .text(\.recordingBucket)),
            ("recording_region", .text(\.recordingRegion)),
            ("recording_spool", .text(\.recordingSpool)),
            ("recording_spool_megabytes", .whole(\.recordingSpoolMegabytes)),
            ("recording_consent", .text(\.recordingConsent)),
            ("model_requests", .whole(\.modelRequests)),
            ("recording_attempts", .whole(\.recordingAttempts)),
            ("recording_verify", .flag(\.recordingVerify)),
            ("recording_part_kilobytes", .whole(\.recordingPartKilobytes)),
            ("recording_withdrawal", .flag(\.recordingWithdrawal)),
            ("recording_keep_days", .whole(\.recordingKeepDays)),
            ("recording_announcement", .text(\.recordingAnnouncement)),
            ("recording_stopped", .text(\.recordingStopped)),
            ("start_retries", .whole(\.startRetries)), ("start_pause_ms", .time(\.startPause)),
            ("dead_letters", .text(\.deadLetters)),
            ("rate_limit", .whole(\.rateLimit)), ("rate_window_ms", .time(\.rateWindow)),
            ("rate_limit_phrase", .text(\.rateLimitPhrase)),
            ("input_limit", .whole(\.inputLimit)),
            ("input_limit_phrase", .text(\.inputLimitPhrase)),
            ("idle_limit_ms", .time(\.idleLimit)), ("drain_grace_ms", .time(\.drainGrace)),
            ("metrics_port", .whole(\.metricsPort)), ("health_port", .whole(\.healthPort)),
            ("log_level", .text(\.logLevel)), ("failover", .flag(\.failover)),
            ("failover_settings", .flag(\.carriesSettings)), ("replay", .flag(\.replays)),
            ("whole_answers", .flag(\.wholeAnswers)),
            ("failback", .flag(\.failback)),
            ("breaker_failures", .whole(\.breakerFailures)),
            ("breaker_open_ms", .time(\.breakerOpen)),
            ("retry_budget", .text(\.retryBudget)), ("waiting_line", .flag(\.keepsLine)),
            ("connect_deadline_ms", .time(\.connectDeadline)),
            ("voice_deadline_ms", .time(\.voiceDeadline)),
            ("voice_stall_ms", .time(\.voiceStall)),
            ("recogniser_stall_ms", .time(\.recogniserStall)),
            ("final_deadline_ms", .time(\.finalDeadline)),
            ("whole_final_deadline_ms", .time(\.wholeFinalDeadline)),
            ("first_token_deadline_ms", .time(\.firstTokenDeadline)),
            ("answer_patience_ms", .time(\.answerPatience)),
            ("stall_deadline_ms", .time(\.stallDeadline)), ("store_wait_ms", .time(\.storeWait)),
            ("resume", .flag(\.resumes)), ("session_memory", .flag(\.sessionMemory)),
            ("session_memory_limit", .whole(\.sessionMemoryLimit)),
            ("task_cache", .flag(\.taskCache)),
            ("task_invalidation", .flag(\.taskInvalidation)),
            ("memory_drain", .flag(\.memoryDrain)),
            ("epoch", .whole(\.epochNumber)),
        ]
    }

    /// Every key with its value, resolved.
    package var json: JSONValue {
        .object(
            Self.places.map { key, place in
                let value: JSONValue =
                    switch place {
                    case .text(let path): .string(self[keyPath: path])
                    case .whole(let path): JSONValue(self[keyPath: path])
                    case .flag(let path): .bool(self[keyPath: path])
                    case .time(let path): .number(self[keyPath: path].inMilliseconds)
                    }
                return JSONValue.Member(key, value)
            })
    }

    /// The settings that `json` gives, the others as they are by default. Collects everything that is wrong.
    package init(_ json: JSONValue) throws(AgentSettingsError) {
        self.init()
        try take(json)
    }

    /// Puts the settings that `json` gives in place of those that are there.
    package mutating func take(_ json: JSONValue) throws(AgentSettingsError) {
        guard let members = json.members else {
            throw AgentSettingsError(problems: ["the configuration is no JSON object"])
        }
        var problems: [String] = []
        let places = Self.places
        for member in members {
            guard let place = places.first(where: { $0.key == member.key })?.place else {
                let nearest = NearestName.of(member.key, among: places.map(\.key))
                problems.append(
                    "unknown key '\(member.key)'" + (nearest.map { ", nearest is '\($0)'" } ?? ""))
                continue
            }
            if let problem = set(place, to: member.value) {
                problems.append("'\(member.key)' \(problem)")
            }
        }
        problems += inconsistencies
        if !problems.isEmpty { throw AgentSettingsError(problems: problems) }
    }

    /// What is wrong with the value, or nil when it was taken.
    private mutating func set(_ place: Place, to value: JSONValue) -> String? {
        switch place {
        case .text(let path):
            guard let text = value.text else { return "is a text" }
            self[keyPath: path] = text
        case .whole(let path):
            guard let number = value.int, number >= 0 else { return "is a whole number from 0" }
            self[keyPath: path] = number
        case .flag(let path):
            guard let flag = value.isTrue else { return "is true or false" }
            self[keyPath: path] = flag
        case .time(let path):
            guard let number = value.double, number >= 0, number <= 3_600_000 else {
                return "is a number of milliseconds from 0 to 3600000"
            }
            self[keyPath: path] = .fromSeconds(number / 1000)
        }
        return nil
    }

    // MARK: As scenarios and command lines write them

    /// What a scenario's `agent:` and `--set agent.…` may name: every key that is not the run's own business. Times have their
    /// unit in the value, so that `_ms` is not part of the name.
    package static var scenarioKeys: [String] {
        places.map(\.key).filter { !ownKeys.contains($0) }.map(scenarioKey)
    }

    private static let ownKeys = [
        "host", "port", "metrics_port", "health_port", "epoch", "worker", "media_path",
        "browser_path",
    ]

    private static func scenarioKey(_ key: String) -> String {
        key.hasSuffix("_ms") ? String(key.dropLast(3)) : key
    }

    /// Sets a value from its text: `300ms`, `on`, `5`, words.
    package mutating func set(_ name: String, text: String) throws(TextProblem) {
        guard let place = Self.places.first(where: { Self.scenarioKey($0.key) == name })?.place
        else {
            let nearest = NearestName.of(name, among: Self.scenarioKeys)
            throw TextProblem(
                offset: 0, reason: "unknown setting \"\(name)\"",
                allowed: nearest.map { "such as \($0)" } ?? "a setting of the agent")
        }
        switch place {
        case .text(let path): self[keyPath: path] = text == "off" ? "" : text
        case .time(let path):
            self[keyPath: path] = text == "off" ? .zero : try DurationText.parse(text)
        case .whole(let path):
            guard let number = Int(text), number >= 0 else {
                throw TextProblem(
                    offset: 0, reason: "\"\(text)\" is no whole number", allowed: "0, 1, 2, …")
            }
            self[keyPath: path] = number
        case .flag(let path):
            guard let flag = ["on": true, "off": false][text] else {
                throw TextProblem(
                    offset: 0, reason: "\"\(text)\" is neither on nor off",
                    allowed: "on or off")
            }
            self[keyPath: path] = flag
        }
        if name == "retry_budget" { _ = try RetryBudget(retryBudget) }
        if let problem = encodingProblems.first {
            throw TextProblem(
                offset: 0, reason: problem, allowed: "mulaw 8000, alaw 8000, linear16 16000, …")
        }
    }

    private var inconsistencies: [String] {
        var problems: [String] = []
        if maximumCalls == 0 { problems.append("'maximum_calls' is at least 1") }
        if batch < .milliseconds(20) { problems.append("'batch_ms' is at least 20, one frame") }
        if silentBatch < batch { problems.append("'silent_batch_ms' is at least 'batch_ms'") }
        if chunk < .milliseconds(20) { problems.append("'chunk_ms' is at least 20") }
        if stableInterim > endpointing {
            problems.append("'stable_interim_ms' is at most 'endpointing_ms'")
        }
        problems += encodingProblems
        do { _ = try RetryBudget(retryBudget) } catch {
            problems.append("'retry_budget' is \(error.allowed)")
        }
        if !["implied", "opt_in"].contains(recordingConsent) {
            problems.append("'recording_consent' is implied or opt_in")
        }
        if !(64...1_048_576).contains(recordingPartKilobytes) {
            problems.append("'recording_part_kilobytes' is from 64 to 1048576")
        }
        if !mediaPath.hasPrefix("/") { problems.append("'media_path' starts with '/'") }
        return problems
    }

    private var portNumber: Int {
        get { Int(port) }
        set { port = UInt16(clamping: newValue) }
    }

    private var epochNumber: Int {
        get { Int(epoch) }
        set { epoch = Int64(newValue) }
    }
}

/// Everything that is wrong with a configuration.
package struct AgentSettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    package var problems: [String]
    package var description: String { problems.joined(separator: "\n") }
}
