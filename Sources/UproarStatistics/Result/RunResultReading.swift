import UproarCore

/// Reads `result.json`, of this version or an older one, whole or partial.
extension RunResult {
    package init(decoding bytes: [UInt8]) throws(ResultError) {
        let value: JSONValue
        do { value = try JSONParser.parse(bytes) } catch {
            throw ResultError(path: "result.json", reason: error.description)
        }
        try self.init(json: value)
    }

    package init(json: JSONValue) throws(ResultError) {
        let fields = try ResultFields(json, path: "result")
        let schema = try fields.text("schema")
        guard schema == Self.schema else {
            throw ResultError(
                path: "result.schema", reason: "'\(schema)' is not \(Self.schema)")
        }
        let scenario = try fields.object("scenario")
        self.init(
            scenario: Scenario(
                name: try scenario.text("name"), summary: scenario.text("summary", else: ""),
                fileHash: scenario.text("file_hash", else: ""),
                resolved: scenario.value["resolved"] ?? .null),
            seed: Self.seed(fields), world: try fields.word("world", World.self),
            commit: fields.text("commit", else: ""), version: fields.text("version", else: ""),
            command: fields.text("command", else: ""), target: fields.text("target", else: ""),
            priceBook: fields.has("cost")
                ? try fields.object("cost").text("price_book", else: "") : "")
        isPartial = fields.flag("partial")
        let outcome = try fields.object("outcome")
        self.outcome = RunOutcome(
            try outcome.word("word", OutcomeWord.self),
            ExitCode(rawValue: Int32(clamping: outcome.int("exit_code", else: 4)))
                ?? .inconclusive,
            reasons: outcome.texts("reasons"))
        validity = try Validity(try fields.object("validity"))
        try readPlan(fields)
        recorder = try IntervalRecorder(
            series: try fields.objects("series"), values: try fields.objects("values"))
        for gate in try fields.objects("gates") { gates.append(try GateResult(gate)) }
        ledger = try RunLedger(try fields.object("ledger"), load: try fields.object("load"))
        cost = try Self.cost(fields)
        for fault in try fields.objects("faults") { faults.append(try FaultRecord(fault)) }
        if fields.value["alerts"] != nil {
            alerts = try fields.objects("alerts").map { alert throws(ResultError) -> AlertRecord in
                var record = AlertRecord(
                    name: try alert.text("name"), at: alert.instant("at_ms"))
                record.within = alert.instant("within_ms").map { $0 - .zero }
                record.isMissing = alert.flag("missing")
                return record
            }
        }
        for mark in try fields.objects("marks") {
            marks.append(
                Mark(at: mark.instant("at_ms") ?? .zero, text: mark.text("text", else: "")))
        }
        for item in try fields.objects("remarks") {
            remarks.append(Remark(text: try item.text("text"), calls: item.int("calls", else: 0)))
        }
        for item in try fields.objects("processes") { processes.append(try ProcessRecord(item)) }
        for call in try fields.objects("worst_calls") { worstCalls.append(try CallRecord(call)) }
        tapes = (fields.value["tapes"]?.items ?? []).compactMap {
            $0.int.flatMap { UInt32(exactly: $0) }
        }
        if fields.has("baseline") { baseline = try BaselineRecord(try fields.object("baseline")) }
        isInteractive = fields.flag("interactive")
        if fields.has("call_draw") { draw = try CallDraw(try fields.object("call_draw")) }
        if fields.has("call_age") { ages = try CallAges(try fields.object("call_age")) }
        files = fields.texts("files")
    }

    private static func seed(_ fields: ResultFields) -> UInt64 {
        fields.value["seed"]?.int.flatMap { UInt64(exactly: $0) }
            ?? fields.value["seed"]?.text.flatMap { UInt64($0) } ?? 0
    }

    private mutating func readPlan(_ fields: ResultFields) throws(ResultError) {
        let load = try fields.object("load")
        self.load.duration = load.duration("duration_ms") ?? .zero
        self.load.peak = load.int("peak", else: 0)
        for line in try load.objects("lines") {
            self.load.lines.append(
                .init(name: try line.text("name"), text: line.text("text", else: "")))
        }
        if fields.has("audio") {
            let audio = try fields.object("audio")
            self.audio.corpus = audio.text("corpus", else: "")
            self.audio.clips = audio.int("clips", else: 0)
            self.audio.speakers = audio.texts("speakers")
            self.audio.variants = audio.texts("variants")
            self.audio.isAnnotatedByUs = audio.flag("annotated_by_us")
            self.audio.licences = audio.texts("licences")
        }
        for item in try fields.objects("providers") {
            // A provider of a later version is left out, not an error.
            guard let id = ProviderID(name: try item.text("provider")) else { continue }
            providers.append(
                Provider(
                    id, preset: item.text("preset", else: ""),
                    isEmulated: item.value["emulated"]?.isTrue ?? true))
        }
        for item in try fields.objects("windows") {
            guard let kind = RunWindow.Kind(rawValue: try item.text("kind")) else { continue }
            windows.append(
                RunWindow(
                    id: try item.text("id"), kind: kind,
                    from: try item.requiredInstant("from_ms"),
                    to: try item.requiredInstant("to_ms")))
        }
    }

    private static func cost(_ fields: ResultFields) throws(ResultError) -> CostTally {
        guard fields.has("cost") else { return CostTally() }
        let cost = try fields.object("cost")
        var lines: [CostTally.Line] = []
        for line in try cost.objects("lines") {
            guard let provider = ProviderID(name: try line.text("provider")) else { continue }
            lines.append(
                .init(
                    provider: provider, usage: ProviderUsage(line),
                    nanoDollars: line.value["nano_usd"]?.int.map(Int64.init)))
        }
        return CostTally(
            lines: lines, connected: cost.duration("connected_ms") ?? .zero,
            callCount: cost.count("calls"),
            unattributed: Int64(cost.int("unattributed_nano_usd", else: 0)))
    }
}

extension RunLedger {
    var json: JSONValue {
        .present([
            "turns_owed": .count(turns.owed),
            "answered": .count(turns.answered),
            "late": .count(turns.late),
            "lost": .count(turns.lost),
            "open": .count(turns.open),
            "good": .count(turns.good),
            "duplicated": .count(turns.duplicated),
            "stale": .count(turns.stale),
            "truncated": .count(turns.truncated),
            "interrupted": .count(turns.interrupted),
            "cross_talked": .count(turns.crossTalked),
            "talked_over": .count(turns.talkedOver),
            "dead_air": .count(turns.deadAir),
            "mispredictions": .count(turns.mispredictions),
            "barge_ins": .object(
                zip(BargeInRecord.Outcome.allCases, bargeIns).map {
                    JSONValue.Member($0.rawValue, .count($1))
                }),
            "tasks_checked": .count(tasksChecked),
            "tasks_passed": .count(tasksPassed),
            "connected_ms": .milliseconds(connected),
            "bytes_sent": .integer(bytesSent),
            "bytes_received": .integer(bytesReceived),
            "frames_sent": .count(framesSent),
            "frames_skipped": .count(framesSkipped),
            "late_renders": .count(lateRenders),
            "strange_facts": .count(strangeFacts),
            "refusals": .array(
                refusals.counts.map {
                    ["status": .integer(Int64($0.status)), "count": .count($0.count)]
                }),
            "provider_refusals": providerRefusals.isEmpty ? .null : providerRefusalsJSON,
        ])
    }

    private var providerRefusalsJSON: JSONValue {
        .array(
            providerRefusals.flatMap { line in
                line.refusals.counts.map { entry -> JSONValue in
                    [
                        "provider": .string(line.provider.name),
                        "status": .integer(Int64(entry.status)), "count": .count(entry.count),
                    ]
                }
            })
    }

    init(_ fields: ResultFields, load: ResultFields) throws(ResultError) {
        self.init()
        turns.answered = fields.count("answered")
        turns.late = fields.count("late")
        turns.lost = fields.count("lost")
        turns.open = fields.count("open")
        turns.good = fields.count("good")
        turns.duplicated = fields.count("duplicated")
        turns.stale = fields.count("stale")
        turns.truncated = fields.count("truncated")
        turns.interrupted = fields.count("interrupted")
        turns.crossTalked = fields.count("cross_talked")
        turns.talkedOver = fields.count("talked_over")
        turns.deadAir = fields.count("dead_air")
        turns.mispredictions = fields.count("mispredictions")
        if fields.has("barge_ins") {
            let outcomes = try fields.object("barge_ins")
            for outcome in BargeInRecord.Outcome.allCases {
                self[outcome] = outcomes.count(outcome.rawValue)
            }
        }
        tasksChecked = fields.count("tasks_checked")
        tasksPassed = fields.count("tasks_passed")
        connected = fields.duration("connected_ms") ?? .zero
        bytesSent = Int64(fields.int("bytes_sent", else: 0))
        bytesReceived = Int64(fields.int("bytes_received", else: 0))
        framesSent = fields.count("frames_sent")
        framesSkipped = fields.count("frames_skipped")
        lateRenders = fields.count("late_renders")
        strangeFacts = fields.count("strange_facts")
        for item in try fields.objects("refusals") {
            refusals.add(UInt32(clamping: item.int("status", else: 0)), item.count("count"))
        }
        if fields.has("provider_refusals") {
            for item in try fields.objects("provider_refusals") {
                guard let provider = ProviderID(name: try item.text("provider")) else { continue }
                add(
                    refusalOf: provider, UInt32(clamping: item.int("status", else: 0)),
                    item.count("count"))
            }
        }
        calls.due = load.count("offered")
        calls.dialed = load.count("started")
        calls.answered = load.count("answered")
        calls.completed = load.count("completed")
        calls.abandoned = load.count("abandoned")
        calls.dropped = load.count("dropped")
        calls.refused = load.count("refused")
        calls.notStarted = load.count("not_started")
        calls.cutByRun = load.count("cut_by_run")
    }
}
