import UproarCapacity
import UproarCore
import UproarStatistics

/// Whether the agent gets slower the longer a call goes on, and bigger the longer it runs: slopes with their intervals.
extension HTMLReport {
    /// Shorter calls say nothing of age.
    private static let leastMinutes = 2.0

    var longCalls: String {
        let ages = result.ages
        guard ages.oldest >= Self.leastMinutes, ages.callCount >= 10 else { return "" }
        var body = ""
        if let slope = ages.slope {
            let low = slope.interval.low ?? 0
            let high = slope.interval.high ?? 0
            let verdict =
                low > 0
                ? "grows"
                : high < 0 ? "falls" : "neither grows nor falls, as far as these calls tell,"
            body +=
                "<p>Latency \(verdict) with the age of the call: "
                + "<b>\(Self.signed(slope.value * 1000)) ms a minute</b> "
                + "(95 % interval \(Self.signed(low * 1000)) to \(Self.signed(high * 1000)), "
                + "\(ages.callCount) calls, turns of one call taken together).</p>"
        }
        if let memory = memoryTrend {
            let scale = 3600.0 / 1e6
            let verdict = memory.isRising ? "grows" : "does not grow, as far as this run tells,"
            body +=
                "<p>Memory of the agent's process tree \(verdict) over the steady state: "
                + "<b>\(Self.signed(memory.slope * scale)) MB an hour</b> "
                + "(95 % interval \(Self.signed((memory.interval.low ?? 0) * scale)) to "
                + "\(Self.signed((memory.interval.high ?? 0) * scale))).</p>"
        } else if result.world == .simulated {
            body +=
                "<p class=\"note\">Memory is unknown in virtual time: the agent is no process there.</p>"
        }
        let rows = CallAges.edges.indices.compactMap { place -> [String]? in
            let samples = ages.buckets[place]
            guard !samples.isEmpty else { return nil }
            let from = NumberText.fixed(CallAges.edges[place], 0)
            let name =
                place + 1 < CallAges.edges.count
                ? "\(from) to \(NumberText.fixed(CallAges.edges[place + 1], 0)) min"
                : "\(from) min and more"
            return [
                name, NumberText.grouped(Int(samples.count)),
                HTMLText.figureText(samples.quantile(0.5)),
                HTMLText.figureText(samples.count >= 200 ? samples.quantile(0.95) : nil),
                HTMLText.figureText(samples.maximum),
            ]
        }
        return HTMLText.section(
            "age", "Long calls",
            body
                + HTMLText.table(
                    [
                        .init(name: "age of the call"), .init(name: "turns", isNumber: true),
                        .init(name: "p50", isNumber: true), .init(name: "p95", isNumber: true),
                        .init(name: "max", isNumber: true),
                    ], rows, caption: "Latency by age of the call", isFlowing: true))
    }

    /// Over the steady state, bytes by second. Nil where nothing was seen of the agent's memory.
    private var memoryTrend: Trend? {
        let steady = result.windows.filter { $0.kind == .steady }
        let points = result.validity.log.samples.compactMap { sample -> (x: Double, y: Double)? in
            guard let memory = sample.agentMemory,
                steady.contains(where: { $0.from <= sample.at && sample.at < $0.to })
            else { return nil }
            return (sample.at.seconds, Double(memory))
        }
        return Trend(points)
    }

    private static func signed(_ value: Double) -> String {
        (value < 0 ? "−" : "+") + NumberText.fixed(abs(value), 2)
    }
}
