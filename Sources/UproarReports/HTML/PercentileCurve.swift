import Glibc
import UproarCore
import UproarStatistics

/// Latency by percentile on a logarithmic scale of 1/(1 − q): each step to the right is ten times rarer, so that the tail has
/// room. The curve ends at the last sample; beyond that nothing is known.
struct PercentileCurve {
    struct Curve {
        var name: String
        var style: String
        var samples: SignedHistogram
    }

    var id: String
    var title: String
    var curves: [Curve]
    var limits: [TimeChart.Limit]

    private static let ticks: [(q: Double, name: String)] = [
        (0, "0"), (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99"),
        (0.99999, "99.999"), (0.999999, "99.9999"),
    ]

    private var count: UInt64 { curves.map(\.samples.count).max() ?? 0 }

    private var description: String {
        var text = "\(title)."
        for curve in curves {
            for q in [0.5, 0.95, 0.99] {
                if let figure = curve.samples.quantile(q) {
                    text += " \(curve.name) p\(Int(q * 100)) \(figure.text(.time))."
                }
            }
        }
        return text
    }

    func markup() -> String {
        ResponsiveChart.markup(id: id, title: title, description: description) { width, isNarrow in
            draw(width, isNarrow)
        }
    }

    private func place(_ q: Double) -> Double { log10(1 / (1 - q)) }

    private func draw(_ width: Double, _ isNarrow: Bool) -> SVGCanvas {
        let height = isNarrow ? 230.0 : 300.0
        var canvas = SVGCanvas(width: width, height: height)
        let left = isNarrow ? 44.0 : 56.0
        let right = width - 16
        let top = 14.0
        let bottom = height - 40
        // The last of n samples is drawn at (n − ½)/n; a little room past it, and never less than to p90.
        let end = max(1, log10(2 * Double(max(1, count))) + 0.04)
        func x(_ q: Double) -> Double { left + place(q) / end * (right - left) }
        let known = curves.compactMap { curve -> Double? in
            curve.samples.positive.maximum.map(Double.init)
        }
        let most = known.max() ?? 1e9
        let limit = limits.map(\.value).max() ?? 0
        let least = curves.compactMap { $0.samples.minimum?.value }.min() ?? 0
        let y = PlotScale(
            low: min(0, least), high: max(most, limit < most * 2.5 ? limit : 0) * 1.05,
            from: bottom, to: top, ticks: isNarrow ? 4 : 6)
        for tick in y.ticks {
            canvas.line(left, y(tick), right, y(tick), tick == 0 ? "axis" : "grid")
            canvas.text(left - 6, y(tick) + 4, PlotScale.latency(tick), .end)
        }
        for tick in Self.ticks where place(tick.q) <= end {
            canvas.line(x(tick.q), top, x(tick.q), bottom, "grid")
            canvas.text(
                x(tick.q), bottom + 16, (tick.q == 0 ? "" : "p") + tick.name,
                tick.q == 0 ? .start : .middle)
        }
        canvas.text(
            (left + right) / 2, height - 6,
            isNarrow ? "percentile, log 1/(1−q)" : "percentile on a scale of log 1/(1−q)", .middle,
            "t faint")
        TimeChart.draw(limits, &canvas, y, left, right)
        for curve in curves { draw(curve, &canvas, x, y, top) }
        hits(&canvas, x, left, right, top, bottom, end)
        return canvas
    }

    private func draw(
        _ curve: Curve, _ canvas: inout SVGCanvas, _ x: (Double) -> Double, _ y: PlotScale,
        _ top: Double
    ) {
        let count = curve.samples.count
        guard count > 0 else { return }
        if count == 1, let only = curve.samples.figure(atRank: 1), !only.isCensored {
            canvas.circle(x(0), y(only.value), 4, "dot \(curve.style)")
            return
        }
        var points: [(x: Double, y: Double)?] = []
        var lastRank: UInt64 = 0
        var isCut = false
        for rank in ranks(count) where rank != lastRank {
            lastRank = rank
            guard let figure = curve.samples.figure(atRank: rank) else { continue }
            // Rank r of n holds for quantiles up to r/n; the last one is drawn at (n − ½)/n.
            let q = min(Double(rank) / Double(count), 1 - 0.5 / Double(count))
            if figure.isCensored {
                if !isCut {
                    isCut = true
                    let at = x((Double(rank) - 1) / Double(count))
                    points.append((at, top))
                    canvas.arrowUp(at, top, "dot \(curve.style)")
                    canvas.text(at + 8, top + 9, figure.text(.time), .start, "t")
                }
                break
            }
            points.append((x(q), y(figure.value)))
        }
        canvas.path(points, "line \(curve.style)", dot: "dot \(curve.style)")
    }

    /// Ranks evenly on the drawn scale: about 160 of them, every one where there are few.
    private func ranks(_ count: UInt64) -> [UInt64] {
        if count <= 160 { return Array(1...count) }
        let end = log10(Double(count))
        var ranks: [UInt64] = [1]
        for step in 1...160 {
            let q = 1 - pow(10, -end * Double(step) / 160)
            ranks.append(max(1, min(count, UInt64((q * Double(count)).rounded(.up)))))
        }
        return ranks + [count]
    }

    private func hits(
        _ canvas: inout SVGCanvas, _ x: (Double) -> Double, _ left: Double, _ right: Double,
        _ top: Double, _ bottom: Double, _ end: Double
    ) {
        let columns = 48
        for column in 0..<columns {
            let from = left + (right - left) * Double(column) / Double(columns)
            let q = 1 - pow(10, -end * (Double(column) + 0.5) / Double(columns))
            var rows = ["p\(Self.name(q))"]
            for curve in curves {
                if let figure = curve.samples.quantile(q) {
                    rows.append("\(curve.name) \(figure.text(.time))")
                }
            }
            canvas.rectangle(
                from, top, (right - left) / Double(columns), bottom - top, "hit",
                tip: rows.joined(separator: "\n"))
        }
    }

    /// As many digits as the tail needs: 95, 99.3, 99.97.
    private static func name(_ q: Double) -> String {
        let places = max(1, min(5, Int(log10(1 / (1 - q)))))
        return NumberText.fixed(q * 100, places)
    }
}
