import UproarCore
import UproarStatistics

/// `capacity.json`. Members are only ever added. What follows from the probes (`model`, `summary`) is written for readers
/// without a fit of their own, and not read back.
extension CapacityResult {
    package var json: JSONValue {
        .known([
            "schema": .string(Self.schema), "partial": .bool(isPartial),
            "scenario": ["name": .string(scenario), "file_hash": .string(scenarioHash)],
            "target": .string(target), "world": .string(world.rawValue),
            "seed": .string(String(seed)), "commit": .string(commit),
            "version": .string(version), "command": .string(command),
            "price_book": .string(priceBook), "providers": .texts(providers),
            "verdict": .string(verdict.rawValue), "verdict_text": .string(verdictText),
            "calls": Self.whole(calls), "broke_at": Self.whole(brokeAt),
            "interval": .interval(interval), "summary": summaryJSON, "gates": .texts(gates),
            "limits": limitsJSON, "bottleneck": bottleneckJSON, "model": modelJSON,
            "checks": .array(checks.map(\.json)), "ramps": .array(ramps.map(\.json)),
            "spent_s": .figure(spent), "budget_s": .figure(budget),
            "probes": .array(probes.map(\.json)),
        ])
    }

    private static func whole(_ value: Int?) -> JSONValue {
        value.map { JSONValue($0) } ?? .null
    }

    private var limitsJSON: JSONValue {
        .known([
            "cores": .figure(limits.cores), "cores_text": .string(limits.coresText),
            "shared": limits.isShared ? .bool(true) : .null,
            "threads": Self.whole(limits.threads), "memory": .figure(limits.memory),
        ])
    }

    private var bottleneckJSON: JSONValue {
        guard let bottleneck else { return .null }
        return [
            "kind": .string(bottleneck.kind.rawValue), "text": .string(bottleneck.text),
            "evidence": .texts(bottleneck.evidence),
        ]
    }

    package func encoded() -> [UInt8] { Array((json.text(pretty: true) + "\n").utf8) }

    private var summaryJSON: JSONValue {
        let model = model
        return .known([
            "calls_per_core": .figure(callsPerCore),
            "cores_per_call": .figure(model.coresPerCall),
            "cores_per_call_interval": .interval(model.coresPerCallInterval),
            "cores_at_rest": .figure(model.coresAtRest),
            "bytes_per_call": .figure(model.bytesPerCall),
            "memory_per_100_calls": .figure(model.bytesPerCall.map { $0 * 100 }),
            "memory_per_100_calls_interval": .interval(
                model.bytesPerCallInterval.map {
                    ConfidenceInterval(
                        low: $0.low.map { $0 * 100 }, high: $0.high.map { $0 * 100 },
                        confidence: $0.confidence)
                }),
            "bytes_at_rest": .figure(model.bytesAtRest),
            "bits_per_call": .figure(bitsPerCall),
            "cold_start_s": .figure(coldStarts.isEmpty ? nil : coldStarts[coldStarts.count / 2]),
            "largest_ramp_per_second": .figure(largestRamp?.perSecond),
            "cool_down_s": .figure(coolDown), "knee": .figure(model.knee),
            "knee_interval": .interval(model.kneeInterval),
            "latency": Self.json(model.latency),
        ])
    }

    private static func json(_ latency: CapacityModel.Latency) -> JSONValue {
        switch latency {
        case .unmeasured: ["shape": "unmeasured"]
        case .bends: ["shape": "bends"]
        case .rises: ["shape": "rises"]
        case .level(let level):
            [
                "shape": "level", "p95_s": .figure(level.seconds),
                "interval": .interval(level.interval), "from": JSONValue(level.from),
                "to": JSONValue(level.to),
            ]
        case .unfitted(let residual):
            ["shape": "unfitted", "worst_relative_residual": .figure(residual)]
        }
    }

    private var modelJSON: JSONValue {
        let model = model
        func curve(_ curve: LoadCurve?) -> JSONValue {
            guard let curve else { return .null }
            let intervals = curve.parameters.indices.map { curve.interval(of: $0) }
            let points = zip(curve.points, curve.residuals).map { point, residual -> JSONValue in
                [
                    "load": .figure(point.load), "value": .figure(point.value),
                    "relative_residual": .figure(residual),
                ]
            }
            return [
                "shape": .string(curve.shape.rawValue),
                "parameters": .array(curve.parameters.map { .figure($0) }),
                "intervals": .array(intervals.map { .interval($0) }), "points": .array(points),
            ]
        }
        func line(_ fit: LeastSquares?) -> JSONValue {
            guard let fit else { return .null }
            let intervals = fit.coefficients.indices.map { fit.interval(of: $0) }
            return [
                "coefficients": .array(fit.coefficients.map { .figure($0) }),
                "intervals": .array(intervals.map { .interval($0) }),
                "residuals": .array(fit.residuals.map { .figure($0) }),
            ]
        }
        return .known([
            "p50_s": curve(model.p50), "p95_s": curve(model.p95), "agent_cores": line(model.cpu),
            "agent_memory": line(model.memory),
        ])
    }

    package init(json: JSONValue) throws(CapacityFileError) {
        let schema = try json.required("schema", "capacity")
        guard schema == Self.schema else {
            throw CapacityFileError(
                path: "capacity.schema", reason: "'\(schema)' is not \(Self.schema)")
        }
        guard let head = json["scenario"] else {
            throw CapacityFileError(path: "capacity.scenario", reason: "an object is due")
        }
        self.init(
            scenario: try head.required("name", "capacity.scenario"),
            scenarioHash: head.text("file_hash"), target: json.text("target"),
            world: try json.requiredWord("world", "capacity", RunResult.World.self),
            seed: UInt64(json.text("seed")) ?? 0, commit: json.text("commit"),
            version: json.text("version"), command: json.text("command"))
        isPartial = json["partial"]?.isTrue ?? false
        priceBook = json.text("price_book")
        providers = json.words("providers")
        verdict = try json.requiredWord("verdict", "capacity", Verdict.self)
        verdictText = json.text("verdict_text")
        calls = json["calls"]?.int
        brokeAt = json["broke_at"]?.int
        interval = json["interval"]?.interval
        gates = json.words("gates")
        if let stored = json["limits"] {
            limits.cores = stored["cores"]?.double
            limits.coresText = stored.text("cores_text")
            limits.isShared = stored["shared"]?.isTrue ?? false
            limits.threads = stored["threads"]?.int
            limits.memory = stored["memory"]?.double
        }
        if let stored = json["bottleneck"] {
            bottleneck = Bottleneck(
                kind: Bottleneck.Kind(rawValue: stored.text("kind")) ?? .unknown,
                text: stored.text("text"), evidence: stored.words("evidence"))
        }
        checks = json.list("checks").compactMap { stored in
            guard let load = stored["load"]?.int, let predicted = stored["predicted"]?.double,
                let measured = stored["measured"]?.double,
                let interval = stored["interval"]?.interval
            else { return nil }
            return Check(
                load: load, figure: stored.text("figure"), predicted: predicted,
                interval: interval, measured: measured)
        }
        ramps = json.list("ramps").compactMap { stored in
            guard let rate = stored["per_second"]?.double, let load = stored["load"]?.int else {
                return nil
            }
            return Ramp(
                perSecond: rate, load: load, held: stored["held"]?.isTrue ?? false)
        }
        spent = json["spent_s"]?.double ?? 0
        budget = json["budget_s"]?.double
        for (place, stored) in json.list("probes").enumerated() {
            probes.append(try CapacityProbe(json: stored, path: "capacity.probes[\(place)]"))
        }
    }
}

extension CapacityResult.Check {
    var json: JSONValue {
        [
            "load": JSONValue(load), "figure": .string(figure), "predicted": .figure(predicted),
            "interval": .interval(interval), "measured": .figure(measured),
        ]
    }
}

extension CapacityResult.Ramp {
    var json: JSONValue {
        ["per_second": .figure(perSecond), "load": JSONValue(load), "held": .bool(held)]
    }
}
