import UproarCore
import UproarStatistics

/// The agent's own series as they were looked at each second, and what expressions make of them. Times are seconds since the first
/// look.
struct AlertSeries {
    typealias Label = AlertExpression.Label

    /// One element of an instant vector: labels in the order of their keys, without the metric's name.
    struct Element: Hashable {
        var labels: [Label]
        var value: Double
    }

    enum Value {
        case number(Double)
        case vector([Element])
    }

    struct Point {
        var second: Int
        var value: Double
        /// With all that was counted before each new beginning: never falls where the value does not.
        var total: Double
    }

    private struct Series {
        var labels: [Label]
        var points: [Point]
    }

    private var series = OrderedTable<String, [Series]>()

    /// A sample stands for so long when none follows it (prometheus.io, "Staleness").
    private static let lookback = 300

    init(_ watch: AgentWatch) {
        for (name, values) in zip(watch.series.keys, watch.series.values) {
            add(name, first: values.first, values.values)
        }
    }

    /// - name: as a metrics page has it: `m{a="x",b="y"}`.
    /// - values: one each second from `first` on; NaN where there was none.
    init(_ known: [(name: String, first: Int, values: [Double])]) {
        for entry in known { add(entry.name, first: entry.first, entry.values) }
    }

    private mutating func add(_ text: String, first: Int, _ values: [Double]) {
        guard case .selector(let selector)? = try? AlertExpression(text) else { return }
        var points: [Point] = []
        var before = 0.0
        for (offset, value) in values.enumerated() where !value.isNaN {
            // A counter that falls has begun anew.
            if let last = points.last, value < last.value { before += last.value }
            points.append(Point(second: first + offset, value: value, total: before + value))
        }
        series[selector.name, default: []].append(
            Series(labels: Self.sorted(selector.labels), points: points))
    }

    private static func sorted(_ labels: [Label]) -> [Label] { labels.sorted { $0.key < $1.key } }

    // MARK: Expressions

    func value(of expression: AlertExpression, at second: Int) -> Value {
        switch expression {
        case .number(let number): return .number(number)
        case .selector(let selector):
            return .vector(
                matching(selector).compactMap { series in
                    Self.inside(series.points, from: second - Self.lookback + 1, to: second).last
                        .map { Element(labels: series.labels, value: $0.value) }
                })
        case .change(let selector, let time, let isPerSecond):
            return .vector(
                matching(selector).compactMap { series in
                    Self.change(series.points, second, time, isPerSecond: isPerSecond)
                        .map { Element(labels: series.labels, value: $0) }
                })
        case .quantile(let quantile, let inner):
            return .vector(Self.quantile(quantile, vector(inner, second)))
        case .sum(let inner, let kept): return .vector(Self.sum(vector(inner, second), by: kept))
        case .operation(let sign, let left, let right, let ignored):
            return Self.operation(
                sign, value(of: left, at: second), value(of: right, at: second), ignored)
        case .either(let left, let right):
            let first = vector(left, second)
            let known = Set(first.map(\.labels))
            return .vector(first + vector(right, second).filter { !known.contains($0.labels) })
        }
    }

    private func vector(_ expression: AlertExpression, _ second: Int) -> [Element] {
        switch value(of: expression, at: second) {
        case .vector(let elements): elements
        case .number(let number): [Element(labels: [], value: number)]
        }
    }

    private func matching(_ selector: AlertExpression.Selector) -> [Series] {
        (series[selector.name] ?? []).filter { series in
            selector.labels.allSatisfy(series.labels.contains)
        }
    }

    /// `rate` and `increase`: what a counter grew, stretched to the whole range as Prometheus does (promql/functions.go,
    /// `extrapolatedRate`).
    private static func change(
        _ points: [Point], _ end: Int, _ time: Duration, isPerSecond: Bool
    ) -> Double? {
        let range = Int(time.inSeconds)
        let start = end - range
        let inside = inside(points, from: start, to: end)
        guard let first = inside.first, let last = inside.last, inside.count > 1 else { return nil }
        let grown = last.total - first.total
        let sampled = Double(last.second - first.second)
        let between = sampled / Double(inside.count - 1)
        var before = Double(first.second - start)
        if grown > 0, first.value >= 0 {
            before = min(before, sampled * (first.value / grown))
        }
        let after = Double(end - last.second)
        let limit = between * 1.1
        let stretched =
            sampled + (before < limit ? before : between / 2)
            + (after < limit ? after : between / 2)
        let whole = grown * stretched / sampled
        return isPerSecond ? whole / Double(range) : whole
    }

    /// The points of these seconds, both ends included; `points` are in their order.
    private static func inside(_ points: [Point], from: Int, to: Int) -> ArraySlice<Point> {
        func place(_ isBefore: (Int) -> Bool) -> Int {
            var (low, high) = (0, points.count)
            while low < high {
                let middle = (low + high) / 2
                if isBefore(points[middle].second) { low = middle + 1 } else { high = middle }
            }
            return low
        }
        let first = place { $0 < from }
        return points[first..<max(first, place { $0 <= to })]
    }

    private static func sum(_ elements: [Element], by kept: [String]) -> [Element] {
        var sums = OrderedTable<[Label], Double>()
        for element in elements {
            sums[element.labels.filter { kept.contains($0.key) }, default: 0] += element.value
        }
        return zip(sums.keys, sums.values).map { Element(labels: $0, value: $1) }
    }

    /// Of buckets that count all below their bound, straight between two bounds (promql/quantile.go, `bucketQuantile`).
    private static func quantile(_ quantile: Double, _ elements: [Element]) -> [Element] {
        var groups = OrderedTable<[Label], [(bound: Double, count: Double)]>()
        for element in elements {
            guard let le = element.labels.first(where: { $0.key == "le" })?.value,
                let bound = le == "+Inf" ? .infinity : Double(le)
            else { continue }
            groups[element.labels.filter { $0.key != "le" }, default: []]
                .append((bound, element.value))
        }
        return zip(groups.keys, groups.values).compactMap { (labels, buckets) -> Element? in
            let buckets = buckets.sorted { $0.bound < $1.bound }
            guard buckets.count > 1, let all = buckets.last, all.bound == .infinity, all.count > 0
            else { return nil }
            let rank = quantile * all.count
            let place = buckets.dropLast().firstIndex { $0.count >= rank } ?? buckets.count - 1
            guard place < buckets.count - 1 else {
                return Element(labels: labels, value: buckets[buckets.count - 2].bound)
            }
            let low = place > 0 ? buckets[place - 1] : (bound: 0.0, count: 0.0)
            let share = (rank - low.count) / (buckets[place].count - low.count)
            return Element(
                labels: labels, value: low.bound + (buckets[place].bound - low.bound) * share)
        }
    }

    private static func operation(
        _ sign: AlertExpression.Operator, _ left: Value, _ right: Value, _ ignored: [String]
    ) -> Value {
        switch (left, right) {
        case (.number(let a), .number(let b)): return .number(result(sign, a, b))
        case (.vector(let elements), .number(let b)):
            return .vector(elements.compactMap { kept(sign, $0, $0.value, b) })
        case (.number(let a), .vector(let elements)):
            return .vector(elements.compactMap { kept(sign, $0, a, $0.value) })
        case (.vector(let a), .vector(let b)):
            return .vector(
                a.compactMap { element in
                    let labels = element.labels.filter { !ignored.contains($0.key) }
                    let other = b.first { other in
                        other.labels.filter { !ignored.contains($0.key) } == labels
                    }
                    guard let other else { return nil }
                    return kept(
                        sign, Element(labels: labels, value: element.value), element.value,
                        other.value)
                })
        }
    }

    /// A comparison keeps an element as it is or not at all; arithmetic gives it another value.
    private static func kept(
        _ sign: AlertExpression.Operator, _ element: Element, _ a: Double, _ b: Double
    ) -> Element? {
        let value = result(sign, a, b)
        guard sign.isComparison else { return Element(labels: element.labels, value: value) }
        return value == 1 ? element : nil
    }

    private static func result(_ sign: AlertExpression.Operator, _ a: Double, _ b: Double)
        -> Double
    {
        switch sign {
        case .plus: a + b
        case .minus: a - b
        case .times: a * b
        case .over: a / b
        case .greater: a > b ? 1 : 0
        case .greaterOrEqual: a >= b ? 1 : 0
        case .less: a < b ? 1 : 0
        case .lessOrEqual: a <= b ? 1 : 0
        case .equal: a == b ? 1 : 0
        case .unequal: a != b ? 1 : 0
        }
    }
}
