import UproarCore
import UproarStatistics

/// What the measurements say together: curves against load, costs of a call, and where the knee is. Pure.
package struct CapacityModel: Hashable, Sendable {
    /// What p95 says of the load.
    package enum Latency: Hashable, Sendable {
        /// Of fewer than three loads, or of loads so close together that the same latency says nothing.
        case unmeasured
        /// It bends: the knee.
        case bends
        /// It rises with the load, and bends nowhere that could be told.
        case rises
        /// The same at every load that held: what ends the loads that hold does not show in it.
        case level(Level)
        /// No shape follows it: so far off is the nearest, as a share.
        case unfitted(worstResidual: Double)
    }

    package struct Level: Hashable, Sendable {
        package var seconds: Double
        package var interval: ConfidenceInterval
        /// The least and the greatest load that held.
        package var from: Int
        package var to: Int
    }

    /// Less growth than this from the least to the greatest load that held is none.
    private static let growthLimit = 0.10

    package var latency = Latency.unmeasured
    /// Heard p95 and p50 in seconds, against callers: over all loads, or those that held where that is as far as a shape goes. Nil
    /// where none does.
    package var p95: LoadCurve?
    package var p50: LoadCurve?
    /// Cores against calls under way: at rest, by call, and by call and load (zero where load does not make calls dearer).
    package var cpu: LeastSquares?
    /// Bytes against calls under way: at rest, and by call.
    package var memory: LeastSquares?
    package var knee: Double?
    package var kneeInterval: ConfidenceInterval?

    package init(_ probes: [CapacityProbe], seed: UInt64) {
        let measured = probes.filter(\.isMeasurement).sorted { $0.load < $1.load }
        let held = measured.filter { $0.outcome == .held }
        p50 = Self.trusted(measured, held) { $0.p50 }
        cpu = Self.line(measured, { $0.agentCores }, bends: true)
        memory = Self.line(measured, { $0.agentMemory }, bends: false)
        if let (level, curve) = Self.level(held) {
            latency = .level(level)
            p95 = curve
            return
        }
        p95 = Self.trusted(measured, held) { $0.p95 }
        guard let p95 else {
            if let nearest = LoadCurve(Self.points(measured) { $0.p95 }) {
                latency = .unfitted(worstResidual: nearest.worstResidual)
            }
            return
        }
        guard p95.shape != .flat else { return }
        latency = .rises
        let most = p95.points.map(\.load).max() ?? 0
        // A knee that comes and goes with the runs that are drawn is none.
        guard let found = p95.knee(limit: most * 1.5),
            let interval = Self.kneeInterval(p95.points, most, seed)
        else { return }
        latency = .bends
        knee = found
        kneeInterval = interval
    }

    /// Over all loads, or else over those that held.
    private static func trusted(
        _ measured: [CapacityProbe], _ held: [CapacityProbe], _ figure: (CapacityProbe) -> Double?
    ) -> LoadCurve? {
        if let all = LoadCurve(points(measured, figure)), all.isTrusted { return all }
        guard let part = LoadCurve(points(held, figure)), part.isTrusted else { return nil }
        return part
    }

    /// Of loads that lie far apart: within a factor of four a level proves nothing.
    private static func level(_ held: [CapacityProbe]) -> (Level, LoadCurve)? {
        let points = Self.points(held) { $0.p95 }
        guard let from = held.first?.load, let to = held.last?.load, to >= 4 * from,
            let best = LoadCurve(points), best.isTrusted,
            best(Double(to)) < best(Double(from)) * (1 + growthLimit),
            let flat = LoadCurve(points, shapes: [.flat])
        else { return nil }
        let level = Level(
            seconds: flat(Double(to)), interval: flat.interval(of: 0), from: from, to: to)
        return (level, flat)
    }

    /// Cores of one more call; its interval. Nil as well where more calls used no more: the loads lie too near each other to tell what a call costs.
    package var coresPerCall: Double? {
        guard let slope = cpu?.coefficients[1], slope > 0 else { return nil }
        return slope
    }
    package var coresPerCallInterval: ConfidenceInterval? {
        coresPerCall == nil ? nil : cpu?.interval(of: 1)
    }
    package var coresAtRest: Double? { cpu.map { max(0, $0.coefficients[0]) } }
    package var bytesPerCall: Double? { memory.map { $0.coefficients[1] } }
    package var bytesPerCallInterval: ConfidenceInterval? { memory?.interval(of: 1) }
    package var bytesAtRest: Double? { memory.map { $0.coefficients[0] } }

    /// What the fit of cores says at a load, where there is one.
    package func cores(at load: Double) -> Double? {
        cpu.map { $0.value(at: Self.row(load, width: $0.coefficients.count)) }
    }

    /// The same with the interval in which a new run lies; nil where too few loads were run for one.
    package func predictCores(_ load: Double) -> (value: Double, interval: ConfidenceInterval)? {
        cpu.flatMap { $0.prediction(at: Self.row(load, width: $0.coefficients.count)) }
    }

    private static func row(_ load: Double, width: Int) -> [Double] {
        Array([1, load, load * load].prefix(width))
    }

    private static func points(_ probes: [CapacityProbe], _ figure: (CapacityProbe) -> Double?)
        -> [LoadCurve.Point]
    {
        probes.compactMap { probe in
            figure(probe).map { .init(load: Double(probe.load), value: $0) }
        }
    }

    private static func line(
        _ probes: [CapacityProbe], _ figure: (CapacityProbe) -> Double?, bends: Bool
    ) -> LeastSquares? {
        var loads: [Double] = []
        var values: [Double] = []
        for probe in probes {
            guard let calls = probe.callsUnderWay, let value = figure(probe) else { continue }
            loads.append(calls)
            values.append(value)
        }
        let straight = LeastSquares(loads.map { row($0, width: 2) }, values)
        guard bends, loads.count >= 6,
            let bent = LeastSquares(loads.map { row($0, width: 3) }, values),
            // The bend must be more than noise, and calls must not become cheaper than nothing.
            let third = bent.interval(of: 2), (third.low ?? -1) > 0, bent.coefficients[1] > 0
        else { return straight }
        return bent
    }

    /// Draws the measurements again with replacement, by load, and looks where the knee falls.
    private static func kneeInterval(_ points: [LoadCurve.Point], _ most: Double, _ seed: UInt64)
        -> ConfidenceInterval?
    {
        var random = Seed(seed).stream("capacity-knee")
        var knees: [Double] = []
        for _ in 0..<60 {
            let drawn = points.indices.map { _ in points[random.below(points.count)] }
            if let curve = LoadCurve(drawn), let knee = curve.knee(limit: most * 1.5) {
                knees.append(knee)
            }
        }
        // Too few draws with a knee say that there may be none.
        guard knees.count >= 45 else { return nil }
        let sorted = knees.sorted()
        return ConfidenceInterval(
            low: sorted[Int(0.025 * Double(sorted.count))],
            high: sorted[min(sorted.count - 1, Int(0.975 * Double(sorted.count)))])
    }
}
