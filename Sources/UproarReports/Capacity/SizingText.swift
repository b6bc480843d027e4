import UproarCapacity
import UproarCore
import UproarStatistics

/// A sizing plan for the terminal, and `size.json`.
package struct SizingText {
    let plan: SizingPlan

    package init(_ plan: SizingPlan) { self.plan = plan }

    package var text: String {
        var lines: [String] = []
        func row(_ head: String, _ text: String) {
            lines.append(head + String(repeating: " ", count: max(1, 12 - head.count)) + text)
        }
        func rows(_ head: String, _ texts: [String]) {
            for (place, text) in texts.enumerated() { row(place == 0 ? head : "", text) }
        }
        let deployed = plan.deployed
        row(
            "SIZE",
            "\(plan.request.calls) calls: \(deployed.pods) pods on \(deployed.nodes) × \(plan.node.name), surviving \(deployed.name)"
        )
        row("BY POD", "\(plan.callsPerPod) calls; \(plan.binding) binds")
        rows(
            "LIMITS",
            plan.limits.map {
                "\(padded($0.name, 8)) \(leading($0.calls, 5))  \($0.text) (\($0.origin.rawValue))"
            })
        rows(
            "SURVIVES",
            plan.survivals.map {
                "\(padded($0.name, 8)) \(leading($0.pods, 5)) pods \(leading($0.nodes, 4)) nodes"
            })
        let scaling = plan.scaling
        row(
            "AUTOSCALER",
            "\(scaling.minimum) to \(scaling.maximum) pods, \(scaling.calls) calls by pod or CPU \(scaling.cpu) %; \(scaling.text)"
        )
        let redis = plan.redis
        row(
            "REDIS",
            "\(redis.sessions) sessions × \(NumberText.fixed(redis.bytesPerSession, 0)) B = \(NumberText.fixed(redis.data / 1e6, 1)) MB; give it \(SizingPlan.mebibytes(redis.limit)) Mi. \(redis.guideText)"
        )
        rows(
            "QUOTAS",
            plan.quotas.map {
                "\(padded($0.provider.name, 11)) \(leading(NumberText.grouped(Int($0.amount)), 10)) \($0.what) (\($0.text); 30 % headroom)"
            })
        rows(
            "A MONTH",
            plan.costs.map { line in
                "\(padded(line.name, 11)) \(leading(line.dollars.map(money) ?? "unknown", 12))  \(line.text)"
            } + [
                "\(padded("total", 11)) \(leading(money(plan.total), 12))  \(NumberText.grouped(Int(plan.minutesPerMonth))) minutes"
            ])
        rows(
            "LEVERS",
            plan.levers.map { lever in
                let low = money(lever.low)
                let high = money(lever.high)
                return
                    "\(padded(lever.name, 20)) −\(low == high ? low : "\(low) to \(high)")  \(lever.text)"
            })
        rows("ASSUMED", plan.assumptions)
        rows("GUIDES", GuideTable.contradictions)
        return lines.joined(separator: "\n") + "\n"
    }

    package var json: JSONValue {
        let deployed = plan.deployed
        func survival(_ value: SizingPlan.Survival) -> JSONValue {
            [
                "loss_of": .string(value.name), "pods": JSONValue(value.pods),
                "nodes": JSONValue(value.nodes),
            ]
        }
        func limit(_ value: SizingPlan.Limit) -> JSONValue {
            [
                "name": .string(value.name), "calls": JSONValue(value.calls),
                "text": .string(value.text), "origin": .string(value.origin.rawValue),
            ]
        }
        func quota(_ value: SizingPlan.Quota) -> JSONValue {
            [
                "provider": .string(value.provider.name), "what": .string(value.what),
                "amount": .number(value.amount), "text": .string(value.text),
            ]
        }
        func cost(_ value: SizingPlan.CostLine) -> JSONValue {
            [
                "name": .string(value.name), "dollars": JSONValue(value.dollars),
                "text": .string(value.text),
            ]
        }
        func lever(_ value: SizingPlan.Lever) -> JSONValue {
            [
                "name": .string(value.name), "saves_low": .number(value.low),
                "saves_high": .number(value.high), "text": .string(value.text),
            ]
        }
        let scaling: JSONValue = [
            "minimum": JSONValue(plan.scaling.minimum), "maximum": JSONValue(plan.scaling.maximum),
            "calls_by_pod": JSONValue(plan.scaling.calls),
            "cpu_percent": JSONValue(plan.scaling.cpu),
        ]
        let redis: JSONValue = [
            "sessions": JSONValue(plan.redis.sessions),
            "bytes_by_session": .number(plan.redis.bytesPerSession),
            "data": .number(plan.redis.data), "limit": .number(plan.redis.limit),
            "guide": .string(plan.redis.guideText),
        ]
        return .object([
            .init("schema", "uproar.size/1"), .init("source", .string(plan.basis.source)),
            .init("calls", JSONValue(plan.request.calls)), .init("node", .string(plan.node.name)),
            .init("calls_by_pod", JSONValue(plan.callsPerPod)),
            .init("binding", .string(plan.binding)),
            .init("pods", JSONValue(deployed.pods)), .init("nodes", JSONValue(deployed.nodes)),
            .init("pods_by_node", JSONValue(plan.podsPerNode)),
            .init("limits", .array(plan.limits.map(limit))),
            .init("survives", .array(plan.survivals.map(survival))),
            .init("autoscaler", scaling), .init("redis", redis),
            .init("quotas", .array(plan.quotas.map(quota))),
            .init("minutes_a_month", .number(plan.minutesPerMonth.rounded())),
            .init("dollars_a_month", .number(plan.total)),
            .init("costs", .array(plan.costs.map(cost))),
            .init("levers", .array(plan.levers.map(lever))),
            .init("assumptions", .array(plan.assumptions.map { .string($0) })),
            .init("guides", .array(GuideTable.contradictions.map { .string($0) })),
        ])
    }

    private func money(_ dollars: Double) -> String {
        "$" + NumberText.grouped(Int(dollars.rounded()))
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func leading(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private func leading(_ value: Int, _ width: Int) -> String { leading(String(value), width) }
}
