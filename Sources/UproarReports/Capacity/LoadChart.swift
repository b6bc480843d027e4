import UproarCore
import UproarStatistics

/// A figure against another: measured points with their intervals, a fitted curve with its band, and marks. Two axes from zero.
struct LoadChart {
    struct Point {
        var x: Double
        var y: Double
        var low: Double?
        var high: Double?
        /// CSS class of the dot.
        var style: String
        var tip: String
    }

    struct Curve {
        var name: String
        var style: String
        var points: [(x: Double, y: Double)]
        /// The band of what a new measurement would be; empty: none.
        var band: [(x: Double, low: Double, high: Double)] = []
    }

    struct Mark {
        var name: String
        var value: Double
        /// Across the chart at a height, or from bottom to top.
        var isHorizontal: Bool
    }

    var id: String
    var title: String
    var xName: String
    var points: [Point]
    var curves: [Curve] = []
    var marks: [Mark] = []
    var height = 300.0
    /// Residuals go below zero.
    var isSigned = false
    var format: (Double) -> String

    private var description: String {
        var text = "\(title), against \(xName)."
        for point in points.prefix(40) { text += " \(point.tip.replacingLines)." }
        for mark in marks { text += " \(mark.name) at \(NumberText.fixed(mark.value, 2))." }
        return text
    }

    func markup() -> String {
        ResponsiveChart.markup(id: id, title: title, description: description) { width, isNarrow in
            draw(width, isNarrow)
        }
    }

    private func draw(_ width: Double, _ isNarrow: Bool) -> SVGCanvas {
        let height = isNarrow ? min(height, 230) : height
        var canvas = SVGCanvas(width: width, height: height)
        let left = isNarrow ? 46.0 : 58.0
        let right = width - 16
        let top = 20.0
        let bottom = height - 40
        let most = points.map { max($0.y, $0.high ?? $0.y) }.max() ?? 1
        let limits = marks.filter(\.isHorizontal).map(\.value).max() ?? 0
        let least = isSigned ? points.map { min($0.y, $0.low ?? $0.y) }.min() ?? 0 : 0
        let x = PlotScale(
            low: 0, high: (points.map(\.x).max() ?? 1) * 1.05, from: left, to: right,
            ticks: isNarrow ? 4 : 8, leastStep: 1)
        let y = PlotScale(
            low: min(0, least), high: max(most, limits < most * 2.5 ? limits : 0) * 1.06,
            from: bottom, to: top, ticks: isNarrow ? 4 : 5)
        for tick in y.ticks {
            canvas.line(left, y(tick), right, y(tick), abs(tick) < 1e-12 ? "axis" : "grid")
            canvas.text(left - 6, y(tick) + 4, format(tick), .end)
        }
        for tick in x.ticks {
            canvas.line(x(tick), bottom, x(tick), bottom + 4, "axis")
            // Narrow charts step by 2.5: what is no whole number is not written as one.
            canvas.text(
                x(tick), bottom + 17, NumberText.fixed(tick, tick == tick.rounded() ? 0 : 1),
                .middle)
        }
        canvas.text((left + right) / 2, height - 5, xName, .middle, "t faint")
        func inside(_ value: Double) -> Double { y(max(y.low, min(y.high, value))) }
        for curve in curves {
            canvas.area(
                curve.band.map { (x($0.x), inside($0.high)) },
                curve.band.map { (x($0.x), inside($0.low)) }, "recovery")
            // What leaves the chart at the top is cut there.
            canvas.path(
                curve.points.map { $0.y <= y.high * 1.001 ? (x($0.x), y($0.y)) : nil },
                "line \(curve.style)", dot: "dot \(curve.style)")
        }
        var labels: [(x: Double, row: Int)] = []
        for mark in marks {
            if mark.isHorizontal {
                guard mark.value <= y.high, mark.value >= y.low else { continue }
                canvas.line(left, y(mark.value), right, y(mark.value), "limit")
                canvas.text(right, y(mark.value) - 4, mark.name, .end, "t limit-text")
            } else {
                guard mark.value <= x.high else { continue }
                canvas.line(x(mark.value), top, x(mark.value), bottom, "fault-edge")
                // Marks that stand close together have their names below each other.
                let at = x(mark.value)
                let row = (0...labels.count).first { row in
                    !labels.contains { $0.row == row && abs($0.x - at) < 90 }
                }
                labels.append((at, row ?? 0))
                let anchor: SVGCanvas.Anchor =
                    at > right - 40 ? .end : at < left + 40 ? .start : .middle
                canvas.text(
                    at, top - 6 + 16 * Double(row ?? 0), mark.name, anchor, "t fault-text")
            }
        }
        for point in points {
            if let low = point.low, let high = point.high {
                canvas.line(x(point.x), inside(low), x(point.x), inside(high), "axis")
            }
            canvas.circle(x(point.x), inside(point.y), 4, "dot \(point.style)")
        }
        for point in points {
            canvas.rectangle(
                x(point.x) - 7, inside(point.y) - 7, 14, 14, "hit", tip: point.tip)
        }
        return canvas
    }
}

extension String {
    fileprivate var replacingLines: String { String(map { $0 == "\n" ? "," : $0 }) }
}
