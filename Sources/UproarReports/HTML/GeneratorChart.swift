import UproarCore
import UproarStatistics

/// What the harness saw of itself, over time: four small charts of the validity panel.
struct GeneratorChart {
    private let samples: [GeneratorSample]
    private let bucket: Double

    private static let mostBuckets = 240

    init(_ log: GeneratorLog) {
        var samples = log.samples
        let factor = max(1, (samples.count + Self.mostBuckets - 1) / Self.mostBuckets)
        if factor > 1 {
            samples = stride(from: 0, to: samples.count, by: factor).map { start in
                GeneratorSample.joined(samples[start..<min(start + factor, samples.count)])
            }
        }
        self.samples = samples
        bucket = samples.first?.length.inSeconds ?? 1
    }

    var isEmpty: Bool { samples.isEmpty }

    /// A value per bucket from the run's start: seconds nobody sampled are gaps.
    private func values(_ value: (GeneratorSample) -> Double?) -> [Figure?] {
        var values: [Figure?] = []
        for sample in samples where sample.at >= .zero {
            let index = Int((sample.at.seconds / bucket).rounded())
            guard index < 100_000 else { break }
            while values.count < index { values.append(nil) }
            if values.count == index { values.append(value(sample).map { Figure($0) }) }
        }
        return values
    }

    private func caption(_ text: String) -> String {
        "\(text); buckets of \(PlotScale.time(bucket))."
    }

    func calls(_ seconds: Double, _ windows: [RunWindow]) -> String {
        let planned = values { $0.planned.map(Double.init) }
        // Of arrivals nobody plans how many are under way.
        let isPlanned = planned.contains { $0 != nil }
        let chart = TimeChart(
            id: "in-flight-chart", title: "Calls under way", bucket: bucket, duration: seconds,
            lines: [
                .init(name: "planned", style: "plan", values: planned),
                .init(name: "under way", style: "p95", values: values { Double($0.inFlight) }),
            ], windows: windows, height: 190, format: Self.count, tickCount: 4,
            isWhole: true)
        return HTMLText.figure(
            HTMLText.legend([("under way", "p95")] + (isPlanned ? [("planned", "soft")] : []))
                + chart.halfMarkup(),
            caption: caption("Calls under way"))
    }

    func arrivals(_ seconds: Double, _ windows: [RunWindow]) -> String {
        let chart = TimeChart(
            id: "arrival-chart", title: "Calls due and calls dialled", bucket: bucket,
            duration: seconds,
            lines: [
                .init(name: "due", style: "plan", values: values { Double($0.offered) }),
                .init(name: "dialled", style: "p50", values: values { Double($0.achieved) }),
            ], windows: windows, height: 190, format: Self.count, tickCount: 4,
            isWhole: true)
        return HTMLText.figure(
            HTMLText.legend([("dialled", "p50"), ("due", "soft")]) + chart.halfMarkup(),
            caption: caption("Calls due and dialled in each bucket"))
    }

    func lateness(_ seconds: Double, _ windows: [RunWindow]) -> String {
        let values = values { $0.sendLatenessP99.map { Double($0.nanoseconds) } }
        guard values.contains(where: { $0 != nil }) else { return "" }
        let chart = TimeChart(
            id: "lateness-chart", title: "Frame lateness, p99", bucket: bucket, duration: seconds,
            lines: [.init(name: "p99", style: "p99", values: values)],
            limits: [
                .init(name: "suspect from 5ms", value: 5e6),
                .init(name: "invalid from 10ms", value: 10e6),
            ], windows: windows, height: 190, format: PlotScale.latency, tickCount: 4,
            // Both limits are in sight: microseconds alone would look like trouble.
            leastTop: 10e6)
        return HTMLText.figure(
            HTMLText.legend([("p99 of each bucket (the limits hold for the run)", "p99")])
                + chart.halfMarkup(),
            caption: caption("How late audio frames were sent, p99, the worst second of a bucket"))
    }

    func cores(_ seconds: Double, _ windows: [RunWindow]) -> String {
        let groups = CPUGroup.allCases.filter { group in
            samples.contains { $0[group] != nil }
        }
        guard !groups.isEmpty else { return "" }
        let chart = TimeChart(
            id: "core-chart", title: "CPU by group", bucket: bucket, duration: seconds,
            lines: groups.map { group in
                .init(name: group.rawValue, style: group.rawValue, values: values { $0[group] })
            }, isStacked: true, windows: windows, height: 190,
            format: { GateRule.Quantity($0, .count).text }, tickCount: 4)
        let colours: [CPUGroup: String] = [
            .callers: "caller", .emulators: "provider", .agent: "agent", .redis: "p99",
            .other: "network",
        ]
        return HTMLText.figure(
            HTMLText.legend(
                groups.map { ($0.rawValue, colours[$0] ?? "soft") }, boxes: true)
                + chart.halfMarkup(),
            caption: caption("Cores used, stacked"))
    }

    func memory(_ seconds: Double, _ windows: [RunWindow]) -> String {
        let lines = [
            TimeChart.Line(
                name: "agent", style: "p95", values: values { $0.agentMemory.map(Double.init) }),
            TimeChart.Line(
                name: "callers", style: "p50", values: values { $0.memory.map(Double.init) }),
        ].filter { $0.values.contains { $0 != nil } }
        guard !lines.isEmpty else { return "" }
        let chart = TimeChart(
            id: "memory-chart", title: "Resident memory", bucket: bucket, duration: seconds,
            lines: lines, windows: windows, height: 190,
            format: { GateRule.Quantity($0, .bytes).text }, tickCount: 4)
        return HTMLText.figure(
            HTMLText.legend(lines.map { ($0.name, $0.style) }) + chart.halfMarkup(),
            caption: caption(
                lines.contains { $0.name == "agent" }
                    ? "Memory of the agent's processes and of the callers"
                    : "Memory of the callers; the agent's process is not ours to see"))
    }

    private static func count(_ value: Double) -> String {
        value == value.rounded() ? NumberText.grouped(Int(value)) : NumberText.fixed(value, 1)
    }
}

extension TimeChart {
    /// One drawing that is readable at half the page's width and on a phone alike.
    func halfMarkup() -> String {
        draw(460, true).markup(id: id, title: title, description: description, style: "half")
    }
}
