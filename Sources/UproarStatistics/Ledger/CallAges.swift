import Glibc
import UproarCore

/// Turn latency against the age of the call: does an agent get slower the longer it talks?
///
/// A straight line over all turns with an interval that lets turns of one call resemble each other (the sandwich estimator
/// with calls as clusters), and the distribution by age. Sums only: memory grows neither with calls nor with time, and
/// shards add up.
package struct CallAges: Sendable, Equatable {
    /// Ages at which a new bucket begins, in minutes.
    package static let edges: [Double] = [0, 1, 2, 5, 10, 20, 30, 60]

    package private(set) var buckets = [SignedHistogram](
        repeating: SignedHistogram(), count: CallAges.edges.count)
    /// Sums over turns of 1, x, y, x², xy: x in minutes of age, y in seconds of latency.
    private var totals = [Double](repeating: 0, count: 5)
    /// Sums over calls of the products of a call's own five sums.
    private var products = [Double](repeating: 0, count: 25)
    package private(set) var callCount: UInt64 = 0
    /// Of the oldest turn, in minutes.
    package private(set) var oldest = 0.0

    package init() {}

    package var isEmpty: Bool { callCount == 0 }

    package mutating func add(_ call: CallRecord) {
        guard let answered = call.answered else { return }
        var sums = [Double](repeating: 0, count: 5)
        for turn in call.turns {
            guard let sample = turn.voiceToVoice else { continue }
            let age = (turn.ended - answered).inSeconds / 60
            guard age >= 0 else { continue }
            let value: Duration
            let place = (Self.edges.lastIndex { $0 <= age }) ?? 0
            switch sample {
            case .exact(let exact):
                value = exact
                buckets[place].record(exact.nanoseconds)
            case .atLeast(let limit):
                value = limit
                buckets[place].recordCensored(at: limit.nanoseconds)
            }
            let y = value.inSeconds
            oldest = max(oldest, age)
            for (index, term) in [1, age, y, age * age, age * y].enumerated() {
                sums[index] += term
            }
        }
        guard sums[0] > 0 else { return }
        callCount += 1
        for a in 0..<5 {
            totals[a] += sums[a]
            for b in 0..<5 { products[a * 5 + b] += sums[a] * sums[b] }
        }
    }

    /// Seconds of latency by minute of age; nil for fewer than ten calls, or turns that are all of one age.
    package var slope: (value: Double, interval: ConfidenceInterval)? {
        let n = totals[0]
        guard callCount >= 10, n > 2 else { return nil }
        let determinant = n * totals[3] - totals[1] * totals[1]
        guard determinant > 1e-9 * n * max(totals[3], 1e-9) else { return nil }
        let b = (n * totals[4] - totals[1] * totals[2]) / determinant
        let a = (totals[2] - b * totals[1]) / n
        // Of a call: u = Σ e = Sy − a S1 − b Sx and v = Σ x e = Sxy − a Sx − b Sxx. Their sums of products follow from those of
        // the calls' own sums.
        let u = [-a, -b, 1.0, 0, 0]
        let v = [0, -a, 0, -b, 1.0]
        func meat(_ left: [Double], _ right: [Double]) -> Double {
            var sum = 0.0
            for i in 0..<5 {
                for j in 0..<5 { sum += left[i] * right[j] * products[i * 5 + j] }
            }
            return sum
        }
        // The second row of the inverse of [[n, Sx], [Sx, Sxx]].
        let row = [-totals[1] / determinant, n / determinant]
        let variance =
            row[0] * row[0] * meat(u, u) + 2 * row[0] * row[1] * meat(u, v)
            + row[1] * row[1] * meat(v, v)
        let calls = Double(callCount)
        let half = 1.96 * sqrt(max(0, variance) * calls / (calls - 1))
        return (b, ConfidenceInterval(low: b - half, high: b + half))
    }
}

/// `call_age` of a result.
extension CallAges {
    var json: JSONValue {
        let rows = zip(Self.edges.indices, buckets).compactMap { place, samples -> JSONValue? in
            guard !samples.isEmpty else { return nil }
            var interval = Interval()
            interval.samples = samples
            interval.occasions = samples.count
            var members: [JSONValue.Member] = [
                .init("from_minutes", .integer(Int64(Self.edges[place])))
            ]
            if place + 1 < Self.edges.count {
                members.append(
                    .init("to_minutes", .integer(Int64(Self.edges[place + 1]))))
            }
            members += interval.members(compressed: true)
            for (name, q) in [("p50_ms", 0.5), ("p95_ms", 0.95)] {
                if let figure = samples.quantile(q) {
                    members.append(.init(name, .number(figure.value / 1e6)))
                }
            }
            return .object(members)
        }
        var members: [JSONValue.Member] = [
            .init("calls", .count(callCount)), .init("oldest_minutes", .number(oldest)),
            .init("buckets", .array(rows)),
        ]
        if let slope {
            members.append(.init("slope_ms_per_minute", .number(slope.value * 1000)))
            members.append(.init("low", JSONValue(slope.interval.low.map { $0 * 1000 })))
            members.append(.init("high", JSONValue(slope.interval.high.map { $0 * 1000 })))
        }
        // So that a stored result gives the same slope, and shards can be added.
        members.append(.init("sums", .array(totals.map { .number($0) })))
        members.append(.init("products", .array(products.map { .number($0) })))
        return .object(members)
    }

    init(_ fields: ResultFields) throws(ResultError) {
        self.init()
        callCount = fields.count("calls")
        oldest = fields.double("oldest_minutes") ?? 0
        let sums = (fields.value["sums"]?.items ?? []).compactMap(\.double)
        let stored = (fields.value["products"]?.items ?? []).compactMap(\.double)
        guard sums.count == totals.count, stored.count == products.count else {
            throw ResultError(path: "\(fields.path).sums", reason: "5 sums and 25 products are due")
        }
        totals = sums
        products = stored
        for row in try fields.objects("buckets") {
            guard let from = row.double("from_minutes"),
                let place = Self.edges.firstIndex(of: from)
            else { continue }
            buckets[place] = try Interval(row).samples
        }
    }
}
