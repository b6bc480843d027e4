import Glibc
import UproarCore
import UproarStatistics

/// How many turns took how long, over the time of the run: what percentiles hide (two humps, a slow few). Rows are latencies on a
/// logarithmic scale, the darker the more turns of that bucket; the top row holds replies that never came.
struct LatencyHeatMap {
    var id: String
    var title: String
    var bucket: Double
    var duration: Double
    var timeline: [Interval]
    var windows: [RunWindow]

    private static let columnLimit = 120

    /// Row bounds in nanoseconds, eight to an octave's worth of people's attention: each is about 1.19 times the one below.
    private var bounds: [Double] {
        let all = timeline.map(\.samples)
        let known = all.compactMap { $0.quantile(0) }.filter { !$0.isCensored }.map(\.value)
        let most = all.compactMap { $0.positive.maximum.map(Double.init) }.max() ?? 1e9
        let least = max(10e6, min(most / 4, known.min() ?? 10e6))
        let ratio = pow(2, 0.25)
        var edge = pow(ratio, floor(log(least) / log(ratio)))
        var edges = [edge]
        while edge < most, edges.count < 40 {
            edge *= ratio
            edges.append(edge)
        }
        return edges.count > 1 ? edges : [edge, edge * ratio]
    }

    /// Joined until the columns can be seen.
    private var columns: (width: Double, intervals: [Interval]) {
        let factor = max(1, (timeline.count + Self.columnLimit - 1) / Self.columnLimit)
        guard factor > 1 else { return (bucket, timeline) }
        let joined = stride(from: 0, to: timeline.count, by: factor).map { start in
            timeline[start..<min(start + factor, timeline.count)].reduce(into: Interval()) {
                $0.add($1)
            }
        }
        return (bucket * Double(factor), joined)
    }

    var bucketText: String { PlotScale.time(columns.width) }

    func markup() -> String {
        ResponsiveChart.markup(
            id: id, title: title,
            description:
                "\(title). Bucket width \(bucketText). Its figures are those of the chart above."
        ) { width, isNarrow in draw(width, isNarrow) }
    }

    private func draw(_ width: Double, _ isNarrow: Bool) -> SVGCanvas {
        let height = isNarrow ? 200.0 : 240.0
        var canvas = SVGCanvas(width: width, height: height)
        let left = isNarrow ? 44.0 : 56.0
        let right = width - (isNarrow ? 8 : 14)
        let bottom = height - 24
        let (seconds, intervals) = columns
        let edges = bounds
        let hasCensored = intervals.contains { $0.samples.censoredCount > 0 }
        let top = hasCensored ? 26.0 : 8.0
        let x = PlotScale(
            exactly: 0, max(duration, seconds), from: left, to: right, ticks: isNarrow ? 4 : 9,
            steps: PlotScale.timeSteps)
        let rows = edges.count - 1
        let pitch = (bottom - top) / Double(rows)
        let low = log(edges[0])
        let span = log(edges[rows]) - low
        func y(_ value: Double) -> Double { bottom - (log(value) - low) / span * (bottom - top) }
        let table = intervals.map { counts($0.samples, edges) }
        let most = Double(max(1, table.flatMap { $0 }.max() ?? 1))
        for (column, cells) in table.enumerated() {
            let from = x(Double(column) * seconds)
            let to = min(right, x(Double(column + 1) * seconds))
            guard to > from else { continue }
            for (row, count) in cells.enumerated() where count > 0 {
                let isLost = row == rows
                // The root keeps single turns visible beside hundreds.
                let shade = Int((1 + 8 * (Double(count) / most).squareRoot()).rounded(.down))
                let place = bottom - pitch * Double(row + 1)
                let range =
                    isLost
                    ? "no answer within the caller's patience"
                    : GateRule.Quantity(edges[row], .time).text + " – "
                        + GateRule.Quantity(edges[row + 1], .time).text
                canvas.rectangle(
                    from, isLost ? 6 : place, max(1, to - from - 0.4),
                    isLost ? 12 : max(1, pitch - 0.4),
                    isLost ? "bar bad" : "heat h\(min(9, shade))",
                    tip: "\(PlotScale.time(Double(column) * seconds)) – "
                        + "\(PlotScale.time(Double(column + 1) * seconds))\n\(range)\n"
                        + RunDigest.many(count, "turn"))
            }
        }
        for tick in [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60].map({ $0 * 1e9 })
        where tick >= edges[0] * 0.999 && tick <= edges[rows] * 1.001 {
            canvas.line(left, y(tick), right, y(tick), "grid")
            canvas.text(left - 6, y(tick) + 4, PlotScale.latency(tick), .end)
        }
        if hasCensored { canvas.text(left - 6, 16, "none", .end) }
        canvas.line(left, bottom, right, bottom, "axis")
        for tick in x.ticks {
            canvas.line(x(tick), bottom, x(tick), bottom + 4, "axis")
            canvas.text(min(x(tick), right - 8), bottom + 18, PlotScale.time(tick), .middle)
        }
        for window in windows where window.kind == .fault {
            for edge in [window.from, window.to] where x(edge.seconds) <= right {
                canvas.line(x(edge.seconds), 4, x(edge.seconds), bottom, "fault-edge")
            }
        }
        return canvas
    }

    /// Turns per row from below; what is under the first bound counts to the first row. The last entry counts replies that
    /// never came.
    private func counts(_ samples: SignedHistogram, _ edges: [Double]) -> [Int] {
        var counts = [Int](repeating: 0, count: edges.count)
        var before = 0
        for row in 0..<edges.count - 1 {
            let isLast = row == edges.count - 2
            let below =
                isLast
                ? Int(samples.count - samples.censoredCount)
                : Int(samples.count(below: Int64(edges[row + 1])))
            counts[row] = below - before
            before = below
        }
        counts[edges.count - 1] = Int(samples.censoredCount)
        return counts
    }
}
