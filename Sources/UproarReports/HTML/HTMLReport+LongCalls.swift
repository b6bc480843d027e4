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
        let charts = [ageChart, memoryChart].compactMap { $0 }.joined()
        return HTMLText.section(
            "age", "Long calls",
            body + "<div class=\"pair\">\(charts)</div>"
                + HTMLText.table(
                    [
                        .init(name: "age of the call"), .init(name: "turns", isNumber: true),
                        .init(name: "p50", isNumber: true), .init(name: "p95", isNumber: true),
                        .init(name: "max", isNumber: true),
                    ], rows, caption: "Latency by age of the call", isFlowing: true))
    }

    /// p50 and p95 at the middle of each stretch of age, and the slope through the calls' mean.
    private var ageChart: String? {
        let ages = result.ages
        var points: [LoadChart.Point] = []
        var sum = (x: 0.0, y: 0.0, count: 0.0)
        for place in CallAges.edges.indices {
            let samples = ages.buckets[place]
            guard let p50 = samples.quantile(0.5), let mean = samples.mean else { continue }
            let from = CallAges.edges[place]
            let to = place + 1 < CallAges.edges.count ? CallAges.edges[place + 1] : ages.oldest
            let middle = (from + max(from, min(to, ages.oldest))) / 2
            let count = Double(samples.count)
            sum = (sum.x + count * middle, sum.y + count * mean.value / 1e9, sum.count + count)
            let figures: [(String, String, Figure?)] = [
                ("p50", "p50", p50),
                ("p95", "p95", samples.count >= 200 ? samples.quantile(0.95) : nil),
            ]
            for (name, style, figure) in figures {
                guard let figure else { continue }
                points.append(
                    .init(
                        x: middle, y: figure.value / 1e9, style: style,
                        tip:
                            "\(NumberText.fixed(middle, 1)) min\n\(name) \(HTMLText.figureText(figure)) of \(samples.count) turns"
                    ))
            }
        }
        guard points.count > 1, sum.count > 0 else { return nil }
        let centre = (x: sum.x / sum.count, y: sum.y / sum.count)
        let curves: [LoadChart.Curve] =
            ages.slope.map { slope in
                let ends = [points.map(\.x).min() ?? 0, points.map(\.x).max() ?? 0]
                return [
                    .init(
                        name: "slope", style: "p99",
                        points: ends.map { ($0, centre.y + slope.value * ($0 - centre.x)) })
                ]
            } ?? []
        let chart = LoadChart(
            id: "latency-age", title: "Latency against the age of the call",
            xName: "minutes since the call began", points: points, curves: curves, height: 240,
            format: { PlotScale.latency($0 * 1e9) })
        return HTMLText.figure(
            HTMLText.legend([("p50", "p50"), ("p95", "p95"), ("slope of the mean", "p99")])
                + chart.markup(), caption: chart.title)
    }

    private var memoryChart: String? {
        guard let memory = memoryTrend else { return nil }
        let samples = result.validity.log.samples.compactMap { sample in
            sample.agentMemory.map { (x: sample.at.seconds / 60, y: Double($0) / 1e6) }
        }
        // A dot for each of some two hundred moments says as much as one for each second.
        let step = max(1, samples.count / 200)
        let points = samples.enumerated().filter { $0.offset % step == 0 }.map { _, sample in
            LoadChart.Point(
                x: sample.x, y: sample.y, style: "p50",
                tip:
                    "\(NumberText.fixed(sample.x, 1)) min\n\(NumberText.fixed(sample.y, 1)) MB")
        }
        guard points.count > 1 else { return nil }
        // The trend's ends lie in the middle of its first and last block.
        let steady = result.windows.filter { $0.kind == .steady }
        let from = steady.map(\.from.seconds).min() ?? 0
        let to = steady.map(\.to.seconds).max() ?? 0
        let half = (to - from) / Double(2 * memory.blocks)
        let line = [
            (x: (from + half) / 60, y: memory.from / 1e6),
            (x: (to - half) / 60, y: memory.to / 1e6),
        ]
        let chart = LoadChart(
            id: "memory-time", title: "Memory of the agent's process tree, in MB",
            xName: "minutes of the run", points: points,
            curves: [.init(name: "slope", style: "p99", points: line)], height: 240,
            format: { NumberText.fixed($0, 0) })
        return HTMLText.figure(chart.markup(), caption: chart.title)
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
