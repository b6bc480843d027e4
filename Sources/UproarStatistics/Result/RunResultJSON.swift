import UproarCore

/// `result.json`. The schema is `docs/result-schema.json`; changes only ever add members.
extension RunResult {
    package var json: JSONValue {
        .present([
            "schema": .string(Self.schema),
            "partial": .bool(isPartial),
            "scenario": [
                "name": .string(scenario.name), "summary": .string(scenario.summary),
                "file_hash": .string(scenario.fileHash), "resolved": scenario.resolved,
            ],
            "seed": Int64(exactly: seed).map { .integer($0) } ?? .string(String(seed)),
            "world": .string(world.rawValue),
            "commit": .string(commit),
            "version": .string(version),
            "command": .string(command),
            "target": .string(target),
            "outcome": [
                "word": .string(outcome.word.rawValue),
                "exit_code": .integer(Int64(outcome.exitCode.rawValue)),
                "reasons": .array(outcome.reasons.map { .string($0) }),
            ],
            "validity": validity.json,
            "load": loadJSON,
            "audio": audioJSON,
            "providers": .array(
                providers.map {
                    [
                        "provider": .string($0.id.name), "role": .string($0.id.role.rawValue),
                        "preset": .string($0.preset), "emulated": .bool($0.isEmulated),
                    ]
                }),
            "windows": .array(
                windows.map {
                    [
                        "id": .string($0.id), "kind": .string($0.kind.rawValue),
                        "from_ms": .milliseconds($0.from), "to_ms": .milliseconds($0.to),
                    ]
                }),
            "gates": .array(gates.map(\.json)),
            "ledger": ledger.json,
            "stages": stagesJSON,
            "cost": costJSON,
            "faults": .array(faults.map(\.json)),
            "alerts": alerts.map { alerts in
                .array(
                    alerts.map {
                        .present([
                            "name": .string($0.name), "at_ms": .milliseconds($0.at),
                            "within_ms": .milliseconds($0.within),
                            "missing": $0.isMissing ? .bool(true) : .null,
                        ])
                    })
            } ?? .null,
            "marks": JSONValue.array(
                marks.map { ["at_ms": .milliseconds($0.at), "text": .string($0.text)] }
            ).unlessEmpty,
            "remarks": JSONValue.array(
                remarks.map { ["text": .string($0.text), "calls": .integer(Int64($0.calls))] }
            ).unlessEmpty,
            "processes": .array(processes.map(\.json)),
            "files": .array(files.map { .string($0) }),
            "tapes": JSONValue.array(tapes.map { .integer(Int64($0)) }).unlessEmpty,
            "worst_calls": .array(worstCalls.map(\.json)),
            "baseline": baseline?.json ?? .null,
            "interactive": isInteractive ? .bool(true) : .null,
            "call_draw": draw.isEmpty ? .null : draw.json,
            "call_age": ages.isEmpty ? .null : ages.json,
            "metrics": metricsJSON,
            "values": recorder.valuesJSON,
            "series": recorder.seriesJSON,
        ])
    }

    /// The bytes of `result.json`: the same for the same value.
    package func encoded() -> [UInt8] { json.encoded(pretty: false) + [UInt8(ascii: "\n")] }

    private var loadJSON: JSONValue {
        let calls = ledger.calls
        return [
            "lines": .array(
                load.lines.map { ["name": .string($0.name), "text": .string($0.text)] }),
            "duration_ms": .milliseconds(load.duration),
            "peak": .integer(Int64(load.peak)),
            "offered": .count(calls.due),
            "started": .count(calls.dialed),
            "answered": .count(calls.answered),
            "completed": .count(calls.completed),
            "abandoned": .count(calls.abandoned),
            "dropped": .count(calls.dropped),
            "refused": .count(calls.refused),
            "not_started": .count(calls.notStarted),
            "cut_by_run": .count(calls.cutByRun),
        ]
    }

    private var audioJSON: JSONValue {
        [
            "corpus": .string(audio.corpus), "clips": .integer(Int64(audio.clips)),
            "speakers": .array(audio.speakers.map { .string($0) }),
            "variants": .array(audio.variants.map { .string($0) }),
            "annotated_by_us": .bool(audio.isAnnotatedByUs),
            "licences": .array(audio.licences.map { .string($0) }),
        ]
    }

    private var costJSON: JSONValue {
        .present([
            "currency": "USD",
            "price_book": .string(priceBook),
            "total": JSONValue(cost.dollars),
            "per_call": JSONValue(cost.dollarsPerCall),
            "per_minute": JSONValue(cost.dollarsPerMinute),
            "connected_ms": .milliseconds(cost.connected),
            "calls": .count(cost.callCount),
            "unattributed_nano_usd": .integer(cost.unattributed),
            "lines": .array(
                cost.lines.map { line in
                    let head: [JSONValue.Member] = [
                        .init("provider", .string(line.provider.name)),
                        .init("role", .string(line.provider.role.rawValue)),
                    ]
                    let tail = line.nanoDollars.map {
                        [JSONValue.Member("nano_usd", .integer($0))]
                    }
                    return .object(head + line.usage.members + (tail ?? []))
                }),
        ])
    }

    /// Each metric over the run, over steady state, over each fault and by each tag: for readers without a merge of their own.
    private var metricsJSON: JSONValue {
        var entries: [JSONValue] = []
        var seen: [String] = []
        let keys = recorder.orderedKeys
        for key in keys where !seen.contains(key.metric) {
            seen.append(key.metric)
            var windows: [(String, [Range<Instant>])] = [("all", source.all)]
            for window in [GateRule.Window.steady, .warmup] + faultWindows {
                if let ranges = self.windows.ranges(of: window) {
                    windows.append((window.text, ranges))
                }
            }
            for (name, ranges) in windows {
                append(recorder.merged(key.metric, in: ranges), key.metric, .init(), name, &entries)
            }
            var tags: [MetricTags.Tag] = []
            for other in keys where other.metric == key.metric {
                for tag in other.tags.tags where !tags.contains(tag) { tags.append(tag) }
            }
            for tag in tags {
                let selector = [GateRule.Condition(tag.key, .equals, tag.value)]
                var one = MetricTags()
                one[tag.key] = tag.value
                append(recorder.merged(key.metric, selector), key.metric, one, "all", &entries)
            }
        }
        return .array(entries)
    }

    private var faultWindows: [GateRule.Window] {
        var ids: [String] = []
        for window in windows where window.kind == .fault && !ids.contains(window.id) {
            ids.append(window.id)
        }
        return ids.map { .fault($0, from: nil, to: nil) }
    }

    private func append(
        _ interval: Interval, _ metric: String, _ tags: MetricTags, _ window: String,
        _ entries: inout [JSONValue]
    ) {
        guard !interval.isEmpty else { return }
        let dimension = MetricCatalog.named(metric)?.dimension ?? .count
        let scale = StoredUnit.scale(dimension)
        var members: [JSONValue.Member] = [
            .init("name", .string(metric)), .init("tags", tags.json),
            .init("unit", .string(dimension.unit)), .init("window", .string(window)),
        ]
        if scale != 1 { members.append(.init("scale", .number(scale))) }
        let samples = interval.samples
        if !samples.isEmpty {
            for (name, q) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
                guard let figure = samples.quantile(q) else { continue }
                members.append(.init(name, Self.json(figure, scale)))
            }
            if let mean = samples.mean { members.append(.init("mean", Self.json(mean, scale))) }
            if let most = samples.maximum { members.append(.init("max", Self.json(most, scale))) }
        }
        entries.append(.object(members + interval.members(compressed: true)))
    }

    /// A number, or `{"at_least": …}` when samples were censored.
    private static func json(_ figure: Figure, _ scale: Double) -> JSONValue {
        let value = JSONValue.number(figure.value / scale)
        return figure.isCensored ? ["at_least": value] : value
    }

    private var stagesJSON: JSONValue {
        .array(
            Stage.allCases.compactMap { stage in
                let samples = recorder.merged(stage.rawValue).samples
                guard let mean = samples.mean, let p50 = samples.quantile(0.5),
                    let p95 = samples.quantile(0.95), let p99 = samples.quantile(0.99)
                else { return nil }
                return [
                    "stage": .string(stage.rawValue), "owner": .string(stage.owner.rawValue),
                    "n": .count(samples.count), "mean_ms": .number(mean.value / 1e6),
                    "p50_ms": .number(p50.value / 1e6), "p95_ms": .number(p95.value / 1e6),
                    "p99_ms": .number(p99.value / 1e6),
                ]
            })
    }
}

extension MetricSource {
    var all: [Range<Instant>] { [Instant(nanoseconds: .min)..<Instant.distantFuture] }
}

extension Validity {
    var json: JSONValue {
        .present([
            "state": .string(state.rawValue),
            "reasons": .array(reasons.map { .string($0) }),
            "send_lateness_ms_p99": .milliseconds(sendLatenessP99),
            "noise_floor": noiseFloor?.json ?? .null,
            "noise_floor_after": noiseFloorAfter?.json ?? .null,
            "per_second": .array(log.samples.map(\.json)),
        ])
    }

    init(_ fields: ResultFields) throws(ResultError) {
        var samples: [GeneratorSample] = []
        for item in try fields.objects("per_second") { samples.append(try GeneratorSample(item)) }
        self.init(
            state: try fields.word("state", ValidityState.self), reasons: fields.texts("reasons"),
            log: GeneratorLog(samples), sendLatenessP99: fields.duration("send_lateness_ms_p99"))
        noiseFloor = NoiseFloor(try? fields.object("noise_floor"))
        noiseFloorAfter = NoiseFloor(try? fields.object("noise_floor_after"))
    }
}

extension GeneratorSample {
    var json: JSONValue {
        .present([
            "at_ms": .milliseconds(at),
            "length_ms": length == .seconds(1) ? .null : .milliseconds(length),
            "offered": .integer(Int64(offered)),
            "achieved": .integer(Int64(achieved)),
            "planned": planned.map { .integer(Int64($0)) } ?? .null,
            "in_flight": .integer(Int64(inFlight)),
            "frames_sent": .integer(Int64(framesSent)),
            "frames_skipped": JSONValue.integer(Int64(framesSkipped)).unlessEmpty,
            "send_lateness_ms_p99": .milliseconds(sendLatenessP99),
            "loop_lag_ms": .milliseconds(loopLag),
            "emulator_lag_ms": .milliseconds(emulatorLag),
            "cpu": .object(
                CPUGroup.allCases.compactMap { group in
                    self[group].map { JSONValue.Member(group.rawValue, .number($0)) }
                }),
            "drops": JSONValue.integer(Int64(drops)).unlessEmpty,
            "steal": JSONValue(steal),
            "throttled_ms": throttled == .zero ? .null : .milliseconds(throttled),
            "interface_drops": interfaceDrops.map { JSONValue($0) } ?? .null,
            "busiest_thread": JSONValue(busiestThread),
            "run_queue_ms": .milliseconds(runQueueDelay),
            "memory": memory.map { .integer(Int64($0)) } ?? .null,
            "agent_memory": agentMemory.map { .integer(Int64($0)) } ?? .null,
            "agent_throttled": JSONValue(agentThrottled),
            "descriptors": descriptors.map { .integer(Int64($0)) } ?? .null,
        ])
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init(at: try fields.requiredInstant("at_ms"))
        length = fields.duration("length_ms") ?? .seconds(1)
        offered = fields.int("offered", else: 0)
        achieved = fields.int("achieved", else: 0)
        planned = fields.value["planned"]?.int
        inFlight = fields.int("in_flight", else: 0)
        framesSent = fields.int("frames_sent", else: 0)
        framesSkipped = fields.int("frames_skipped", else: 0)
        sendLatenessP99 = fields.duration("send_lateness_ms_p99")
        loopLag = fields.duration("loop_lag_ms") ?? .zero
        emulatorLag = fields.duration("emulator_lag_ms")
        if fields.has("cpu") {
            let cpu = try fields.object("cpu")
            for group in CPUGroup.allCases { self[group] = cpu.double(group.rawValue) }
        }
        drops = fields.int("drops", else: 0)
        steal = fields.double("steal")
        throttled = fields.duration("throttled_ms") ?? .zero
        interfaceDrops = fields.value["interface_drops"]?.int
        busiestThread = fields.double("busiest_thread")
        runQueueDelay = fields.duration("run_queue_ms")
        memory = fields.value["memory"]?.int
        agentMemory = fields.value["agent_memory"]?.int
        agentThrottled = fields.double("agent_throttled")
        descriptors = fields.value["descriptors"]?.int
    }
}

extension RunResult.FaultRecord {
    var json: JSONValue {
        .present([
            "id": .string(id), "kind": .string(kind), "target": .string(target),
            "summary": .string(summary), "armed_ms": .milliseconds(armed),
            "first_effect_ms": .milliseconds(firstEffect),
            "last_effect_ms": .milliseconds(lastEffect), "cleared_ms": .milliseconds(cleared),
            "recovered_ms": .milliseconds(recovered), "effects": .count(effects),
            "alternates": .array(alternates.map { .string($0) }),
            "figures": .array(figures.map(\.json)),
            "findings": .array(findings.map { .string($0) }),
            "agent_errors": agentErrors.isEmpty ? .null : .array(agentErrors.map(\.json)),
        ])
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            id: try fields.text("id"), kind: fields.text("kind", else: ""),
            target: fields.text("target", else: ""), summary: fields.text("summary", else: ""),
            effects: fields.count("effects"))
        armed = fields.instant("armed_ms")
        firstEffect = fields.instant("first_effect_ms")
        lastEffect = fields.instant("last_effect_ms")
        cleared = fields.instant("cleared_ms")
        recovered = fields.instant("recovered_ms")
        alternates = fields.texts("alternates")
        findings = fields.texts("findings")
        for figure in try fields.objects("figures") {
            figures.append(try FaultFigure(figure))
        }
        for error in try fields.objects("agent_errors") {
            agentErrors.append(try AgentError(error))
        }
    }
}

extension AgentError {
    var json: JSONValue {
        [
            "component": .string(component), "kind": .string(kind),
            "count": .integer(Int64(count)),
        ]
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            component: try fields.text("component"), kind: try fields.text("kind"),
            count: fields.int("count", else: 0))
    }
}

extension FaultFigure {
    var json: JSONValue {
        .present([
            "name": .string(name), "unit": .string(unit.rawValue),
            "value": .number(value / scale), "censored": .bool(isCensored),
            "samples": .integer(Int64(samples)), "low": low.map { .number($0 / scale) } ?? .null,
            "high": high.map { .number($0 / scale) } ?? .null,
            "basis": basis.isEmpty ? .null : .string(basis),
        ])
    }

    /// Times are stored in milliseconds.
    private var scale: Double { unit == .time ? 1e6 : 1 }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            try fields.text("name"), try fields.word("unit", Unit.self), fields.double("value") ?? 0
        )
        value *= scale
        isCensored = fields.flag("censored")
        samples = fields.int("samples", else: 1)
        low = fields.double("low").map { $0 * scale }
        high = fields.double("high").map { $0 * scale }
        basis = fields.text("basis", else: "")
    }
}

extension RunResult.ProcessRecord {
    var json: JSONValue {
        [
            "name": .string(name), "group": .string(group.rawValue),
            "cores_mean": .number(meanCores), "cores_max": .number(peakCores),
            "memory_mean": .integer(Int64(meanMemory)), "memory_max": .integer(Int64(peakMemory)),
        ]
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init(
            name: try fields.text("name"), group: try fields.word("group", CPUGroup.self),
            meanCores: fields.double("cores_mean") ?? 0,
            peakCores: fields.double("cores_max") ?? 0,
            meanMemory: fields.int("memory_mean", else: 0),
            peakMemory: fields.int("memory_max", else: 0))
    }
}
