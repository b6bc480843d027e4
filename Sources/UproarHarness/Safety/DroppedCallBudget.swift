import UproarCore
import UproarScenario

/// `safety: {dropped_calls: N}` as the gate that it is: more end the run at once (exit 6).
enum DroppedCallBudget {
    static func gates(_ plan: RunPlan) -> [GateRule] {
        guard let limit = plan.scenario.safety.droppedCalls,
            let rule = try? GateParser.parse("abort calls_dropped: count <= \(limit)")
        else { return [] }
        return [rule]
    }
}
