import UproarCore
import UproarStatistics

/// The mean of each stage, one after the other: means add up to the mean answer time, percentiles do not. A thin line reaches
/// from the stage's start to its p95.
struct StageWaterfall {
    var id: String
    var rows: [RunDigest.StageRow]

    static let names: [Stage: String] = [
        .uplink: "way up", .speechToText: "speech-to-text", .endpointing: "endpointing",
        .tools: "tools", .languageModel: "first token", .sentence: "first clause",
        .textToSpeech: "first audio", .downlink: "way down",
    ]

    private var description: String {
        "Mean time of each stage of a turn, one after the other. "
            + rows.compactMap { row in
                row.samples.mean.map {
                    "\(Self.names[row.stage] ?? row.stage.rawValue) \($0.text(.time))."
                }
            }.joined(separator: " ")
    }

    func markup() -> String {
        ResponsiveChart.markup(
            id: id, title: "Where the time of a turn goes", description: description
        ) { width, isNarrow in draw(width, isNarrow) }
    }

    private func draw(_ width: Double, _ isNarrow: Bool) -> SVGCanvas {
        let pitch = isNarrow ? 40.0 : 30.0
        let height = pitch * Double(rows.count) + 40
        var canvas = SVGCanvas(width: width, height: height)
        let left = isNarrow ? 10.0 : 150.0
        let right = width - (isNarrow ? 16 : 150)
        var offsets: [(from: Double, to: Double, p95: Double)] = []
        var now = 0.0
        for row in rows {
            let mean = row.samples.mean?.value ?? 0
            let p95 = row.samples.quantile(0.95)?.value ?? mean
            offsets.append((now, now + mean, now + p95))
            now += mean
        }
        let low = offsets.map { min($0.from, $0.to) }.min() ?? 0
        let high = offsets.map { max($0.to, $0.p95) }.max() ?? 1
        let x = PlotScale(
            low: min(0, low), high: high, from: left, to: right, ticks: isNarrow ? 4 : 8)
        let bottom = pitch * Double(rows.count) + 8
        for tick in x.ticks {
            canvas.line(x(tick), 4, x(tick), bottom, tick == 0 ? "axis" : "grid")
            canvas.text(x(tick), bottom + 18, PlotScale.latency(tick), .middle)
        }
        for (place, row) in rows.enumerated() {
            let span = offsets[place]
            let y = 8 + pitch * Double(place) + (isNarrow ? 16 : 4)
            let size = isNarrow ? 14.0 : 18.0
            let name = Self.names[row.stage] ?? row.stage.rawValue
            let mean = row.samples.mean?.text(.time) ?? "–"
            let p95 = row.samples.quantile(0.95)?.text(.time) ?? "–"
            let label = "\(mean), p95 \(p95)"
            if isNarrow {
                canvas.text(left, y - 4, "\(name): \(label)", .start, "t ink")
            } else {
                canvas.text(left - 12, y + 13, name, .end, "t ink")
            }
            canvas.line(
                x(min(span.from, span.to)), y + size / 2, x(max(span.p95, span.from)), y + size / 2,
                "whisker \(row.stage.owner.rawValue)")
            canvas.rectangle(
                x(min(span.from, span.to)), y, max(1.5, abs(x(span.to) - x(span.from))), size,
                "bar \(row.stage.owner.rawValue)", radius: 2,
                tip: "\(name)\nmean \(mean)\np50 \(row.samples.quantile(0.5)?.text(.time) ?? "–")\n"
                    + "p95 \(p95)\n\(row.stage.owner.rawValue)'s")
            if !isNarrow {
                canvas.text(
                    max(x(span.to), x(span.p95)) + 8, y + 13, label, .start, "t")
            }
            if place + 1 < rows.count {
                canvas.line(
                    x(span.to), y + size, x(span.to), y + pitch - (isNarrow ? 4 : 0), "grid")
            }
        }
        return canvas
    }
}
