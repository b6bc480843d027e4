import UproarCore
import UproarStatistics

/// A chart over the time of the run: lines or stacked areas in buckets, fault windows shaded, gaps left open.
struct TimeChart {
    struct Line {
        var name: String
        /// CSS class: colour and dash.
        var style: String
        /// One per bucket; nil is a gap, a censored figure an arrow at the top.
        var values: [Figure?]
    }

    struct Limit {
        var name: String
        var value: Double
        var style = "limit"
    }

    var id: String
    var title: String
    /// Seconds of one bucket.
    var bucket: Double
    /// Seconds the chart covers.
    var duration: Double
    var lines: [Line]
    var isStacked = false
    /// Bars from the bottom instead of lines.
    var isBars = false
    var limits: [Limit] = []
    var windows: [RunWindow] = []
    var height = 260.0
    var format: (Double) -> String
    /// Added to what the pointer shows of a bucket.
    var note: (Int) -> String? = { _ in nil }
    var tickCount = 5
    /// The axis reaches at least this.
    var leastTop = 0.0
    /// Counts: no tick between whole numbers.
    var isWhole = false

    var description: String {
        var text = "\(title). Bucket width \(PlotScale.time(bucket))."
        for line in lines {
            let finite = line.values.compactMap { $0 }.map(\.value)
            guard let low = finite.min(), let high = finite.max() else { continue }
            text += " \(line.name): \(format(low)) to \(format(high))."
        }
        for window in windows where window.kind == .fault {
            text +=
                " Fault \(window.id) from \(RunDigest.clock(window.from)) to \(RunDigest.clock(window.to))."
        }
        return text
    }

    func markup() -> String {
        ResponsiveChart.markup(id: id, title: title, description: description) { width, isNarrow in
            draw(width, isNarrow)
        }
    }

    func draw(_ width: Double, _ isNarrow: Bool) -> SVGCanvas {
        let height = isNarrow ? min(height, 220) : height
        var canvas = SVGCanvas(width: width, height: height)
        let left = isNarrow ? 44.0 : 56.0
        let right = width - (isNarrow ? 8 : 14)
        let top = windows.contains { $0.kind == .fault } ? 26.0 : 12.0
        let bottom = height - 24
        let x = PlotScale(
            exactly: 0, max(duration, bucket), from: left, to: right, ticks: isNarrow ? 4 : 9,
            steps: PlotScale.timeSteps)
        let y = PlotScale(
            low: min(0, least), high: max(greatest, leastTop), from: bottom, to: top,
            ticks: isNarrow ? min(4, tickCount) : tickCount, leastStep: isWhole ? 1 : 0)
        shade(&canvas, x, top, bottom, right, isNarrow)
        for tick in y.ticks {
            canvas.line(left, y(tick), right, y(tick), tick == 0 ? "axis" : "grid")
            canvas.text(left - 6, y(tick) + 4, format(tick), .end)
        }
        for tick in x.ticks {
            canvas.line(x(tick), bottom, x(tick), bottom + 4, "axis")
            canvas.text(min(x(tick), right - 8), bottom + 18, PlotScale.time(tick), .middle)
        }
        if isStacked {
            drawStack(&canvas, x, y)
        } else if isBars {
            drawBars(&canvas, x, y, bottom)
        } else {
            drawLines(&canvas, x, y, top)
        }
        Self.draw(limits, &canvas, y, left, right)
        hits(&canvas, x, top, bottom, right)
        return canvas
    }

    /// Dotted lines with their names at the right; names that would lie on each other move to the left.
    static func draw(
        _ limits: [Limit], _ canvas: inout SVGCanvas, _ y: PlotScale, _ left: Double,
        _ right: Double
    ) {
        var taken: [(y: Double, x: Double)] = []
        for limit in limits where limit.value <= y.high && limit.value >= y.low {
            let at = y(limit.value)
            var edge = right
            for other in taken where abs(other.y - at) < 15 { edge = min(edge, other.x) }
            canvas.line(left, at, right, at, limit.style)
            canvas.text(edge, at - 4, limit.name, .end, "t limit-text")
            taken.append((at, edge - Double(limit.name.count) * 6.2 - 10))
        }
    }

    // MARK: Parts

    private var bucketCount: Int { lines.map(\.values.count).max() ?? 0 }

    /// Known values only: what is censored sits at the top edge.
    private var greatest: Double {
        let limit = limits.map(\.value).max() ?? 0
        if isStacked || isBars {
            let sums = (0..<bucketCount).map { bucket in
                lines.reduce(0) { $0 + (value($1, bucket) ?? 0) }
            }
            return max(sums.max() ?? 0, 1e-6) * (isBars ? 1.1 : 1)
        }
        let known = lines.flatMap { $0.values.compactMap { $0 } }.filter { !$0.isCensored }
        let most = known.map(\.value).max() ?? 0
        // A limit far above the data would squash it: then the chart leaves the limit out.
        return max(most, limit < most * 2.5 || most == 0 ? limit : 0, 1e-6) * 1.06
    }

    private var least: Double {
        isStacked ? 0 : lines.flatMap { $0.values.compactMap { $0?.value } }.min() ?? 0
    }

    private func value(_ line: Line, _ bucket: Int) -> Double? {
        bucket < line.values.count ? line.values[bucket]?.value : nil
    }

    private func centre(_ index: Int) -> Double { (Double(index) + 0.5) * bucket }

    private func shade(
        _ canvas: inout SVGCanvas, _ x: PlotScale, _ top: Double, _ bottom: Double, _ right: Double,
        _ isNarrow: Bool
    ) {
        for window in windows where window.kind == .fault || window.kind == .recovery {
            let from = x(max(0, window.from.seconds))
            let to = min(right, x(window.to.seconds))
            guard to > from else { continue }
            let isFault = window.kind == .fault
            canvas.rectangle(
                from, top, to - from, bottom - top, isFault ? "fault" : "recovery",
                tip: "\(isFault ? "fault" : "recovery of") \(window.id)\n"
                    + "\(RunDigest.clock(window.from)) to \(RunDigest.clock(window.to))")
            if isFault {
                canvas.line(from, top, from, bottom, "fault-edge")
                canvas.text(from + 3, top - 6, "▾ \(window.id)", .start, "t fault-text")
            }
        }
        for window in windows where window.kind == .stage && window.from > .zero {
            canvas.line(x(window.from.seconds), top, x(window.from.seconds), bottom, "stage-edge")
            if !isNarrow, !windows.contains(where: { $0.kind == .fault }) {
                canvas.text(x(window.from.seconds) + 4, top + 8, window.id, .start, "t faint")
            }
        }
    }

    private func drawLines(
        _ canvas: inout SVGCanvas, _ x: PlotScale, _ y: PlotScale, _ top: Double
    ) {
        for line in lines {
            let points = line.values.enumerated().map { index, figure -> (x: Double, y: Double)? in
                // A censored figure is at least its value: the line leaves the chart at the top.
                guard let figure else { return nil }
                return (
                    x(centre(index)), figure.isCensored ? top : y(min(figure.value, y.high))
                )
            }
            canvas.path(points, "line \(line.style)", dot: "dot \(line.style)")
            for (index, figure) in line.values.enumerated() where figure?.isCensored == true {
                canvas.arrowUp(x(centre(index)), top, "dot \(line.style)")
            }
        }
    }

    private func drawBars(
        _ canvas: inout SVGCanvas, _ x: PlotScale, _ y: PlotScale, _ bottom: Double
    ) {
        for index in 0..<bucketCount {
            var base = 0.0
            for line in lines {
                guard let value = value(line, index), value > 0 else { continue }
                let from = x(Double(index) * bucket) + 0.5
                let to = x(Double(index + 1) * bucket) - 0.5
                canvas.rectangle(
                    from, y(base + value), max(1, to - from), y(base) - y(base + value),
                    "bar \(line.style)")
                base += value
            }
        }
    }

    private func drawStack(_ canvas: inout SVGCanvas, _ x: PlotScale, _ y: PlotScale) {
        var base = [Double](repeating: 0, count: bucketCount)
        for line in lines {
            var upper: [(x: Double, y: Double)] = []
            var lower: [(x: Double, y: Double)] = []
            for index in 0..<bucketCount {
                let top = base[index] + (value(line, index) ?? 0)
                // Steps: a bucket has one value over its whole width.
                for edge in [Double(index), Double(index + 1)] {
                    let at = x(min(edge * bucket, x.high))
                    upper.append((at, y(top)))
                    lower.append((at, y(base[index])))
                }
                base[index] = top
            }
            canvas.area(upper, lower, "area \(line.style)")
        }
    }

    /// One invisible column per bucket: what the pointer meets.
    private func hits(
        _ canvas: inout SVGCanvas, _ x: PlotScale, _ top: Double, _ bottom: Double, _ right: Double
    ) {
        for index in 0..<bucketCount {
            let from = x(Double(index) * bucket)
            let to = min(right, x(Double(index + 1) * bucket))
            guard to > from else { continue }
            var rows: [String] = []
            for line in lines {
                guard index < line.values.count, let figure = line.values[index] else { continue }
                rows.append(
                    "\(line.name) \(figure.isCensored ? "> " : "")\(format(figure.value))")
            }
            if let note = note(index) { rows.append(note) }
            guard !rows.isEmpty else { continue }
            let head =
                "\(PlotScale.time(Double(index) * bucket)) – \(PlotScale.time(Double(index + 1) * bucket))"
            canvas.rectangle(
                from, top, to - from, bottom - top, "hit",
                tip: ([head] + rows).joined(separator: "\n"))
        }
    }
}
