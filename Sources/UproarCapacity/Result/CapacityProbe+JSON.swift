import UproarCore
import UproarStatistics

extension CapacityProbe {
    package var json: JSONValue {
        .known([
            "load": JSONValue(load), "purpose": .string(purpose.rawValue),
            "outcome": .string(outcome.rawValue), "reason": .string(reason),
            "seed": .string(String(seed)), "folder": .string(folder),
            "ramp_s": .figure(ramp), "hold_s": .figure(hold),
            "validity": .string(validity.rawValue),
            "validity_reasons": .texts(validityReasons),
            "oversaturated": .bool(isOversaturated),
            "turns": .integer(Int64(clamping: turns)),
            "turns_lost": .integer(Int64(clamping: turnsLost)),
            "calls_refused": .integer(Int64(clamping: callsRefused)),
            "calls_dropped": .integer(Int64(clamping: callsDropped)),
            "calls_not_started": .integer(Int64(clamping: callsNotStarted)),
            "refusals": .texts(refusals), "provider_refusals": .texts(providerRefusals),
            "connected_s": .figure(connected),
            "p50_s": .figure(p50), "p95_s": .figure(p95), "p99_s": .figure(p99),
            "p95_interval_s": .interval(p95Interval),
            "stages": .array(
                stages.map {
                    [
                        "name": .string($0.name), "owner": .string($0.owner),
                        "mean_s": .figure($0.mean), "p95_s": .figure($0.p95),
                    ]
                }),
            "calls_under_way": .figure(callsUnderWay),
            "agent_cores": .figure(agentCores), "agent_cores_peak": .figure(agentCoresPeak),
            "agent_throttled": .figure(agentThrottled),
            "agent_memory": .figure(agentMemory),
            "agent_memory_idle": .figure(agentMemoryIdle),
            "agent_memory_peak": .figure(agentMemoryPeak),
            "bits_per_call": .figure(bitsPerCall), "harness_cores": .figure(harnessCores),
            "cold_start_s": .figure(coldStart), "cool_down_s": .figure(coolDown),
            "uses": .array(uses.map(\.json)),
        ])
    }

    init(json: JSONValue, path: String) throws(CapacityFileError) {
        guard let load = json["load"]?.int, load > 0 else {
            throw CapacityFileError(path: "\(path).load", reason: "a number of calls is due")
        }
        self.init(
            load: load, purpose: try json.requiredWord("purpose", path, Purpose.self),
            outcome: try json.requiredWord("outcome", path, Outcome.self),
            reason: json.text("reason"), seed: UInt64(json.text("seed")) ?? 0,
            folder: json.text("folder"), ramp: json["ramp_s"]?.double ?? 0,
            hold: json["hold_s"]?.double ?? 0,
            validity: try json.requiredWord("validity", path, ValidityState.self))
        validityReasons = json.words("validity_reasons")
        isOversaturated = json["oversaturated"]?.isTrue ?? false
        turns = json.count("turns")
        turnsLost = json.count("turns_lost")
        callsRefused = json.count("calls_refused")
        callsDropped = json.count("calls_dropped")
        callsNotStarted = json.count("calls_not_started")
        refusals = json.words("refusals")
        providerRefusals = json.words("provider_refusals")
        connected = json["connected_s"]?.double ?? 0
        p50 = json["p50_s"]?.double
        p95 = json["p95_s"]?.double
        p99 = json["p99_s"]?.double
        p95Interval = json["p95_interval_s"]?.interval
        stages = json.list("stages").map {
            Stage(
                name: $0.text("name"), owner: $0.text("owner"), mean: $0["mean_s"]?.double ?? 0,
                p95: $0["p95_s"]?.double ?? 0)
        }
        callsUnderWay = json["calls_under_way"]?.double
        agentCores = json["agent_cores"]?.double
        agentCoresPeak = json["agent_cores_peak"]?.double
        agentThrottled = json["agent_throttled"]?.double
        agentMemory = json["agent_memory"]?.double
        agentMemoryIdle = json["agent_memory_idle"]?.double
        agentMemoryPeak = json["agent_memory_peak"]?.double
        bitsPerCall = json["bits_per_call"]?.double
        harnessCores = json["harness_cores"]?.double
        coldStart = json["cold_start_s"]?.double
        coolDown = json["cool_down_s"]?.double
        uses = json.list("uses").compactMap(Use.init)
    }
}

extension CapacityProbe.Use {
    var json: JSONValue {
        .known([
            "provider": .string(provider.name), "audio_s": .figure(usage.audio.inSeconds),
            "prompt_tokens": .integer(usage.promptTokens),
            "completion_tokens": .integer(usage.completionTokens),
            "characters": .integer(usage.characters), "requests": .integer(usage.requests),
            "uncounted": .integer(usage.uncounted), "dollars": .figure(dollars),
        ])
    }

    /// Nil for a provider of a later version.
    init?(_ json: JSONValue) {
        guard let provider = ProviderID(name: json.text("provider")) else { return nil }
        var usage = ProviderUsage()
        usage.audio = .fromSeconds(max(0, min(1e9, json["audio_s"]?.double ?? 0)))
        usage.promptTokens = Int64(json.count("prompt_tokens"))
        usage.completionTokens = Int64(json.count("completion_tokens"))
        usage.characters = Int64(json.count("characters"))
        usage.requests = Int64(json.count("requests"))
        usage.uncounted = Int64(json.count("uncounted"))
        self.init(provider: provider, usage: usage, dollars: json["dollars"]?.double)
    }
}
