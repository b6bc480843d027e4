import Glibc
import Testing
import UproarCore
import UproarStatistics

@testable import UproarCapacity

@Suite struct FitTests {
    /// Tables of Student's t, two-sided 95 %.
    @Test(arguments: [
        (1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980),
    ])
    func studentsQuantilesAreThoseOfTheTables(freedom: Int, value: Double) {
        #expect(abs(studentQuantile(0.975, freedom: freedom) - value) < 0.006 * value)
        #expect(
            abs(studentQuantile(0.025, freedom: freedom) + value) < 0.006 * value)
    }

    /// y = 1, 3, 5, 8 at x = 0…3 by hand: slope 2.3, intercept 0.8, residuals 0.2, −0.1, −0.4, 0.3, s² = 0.15, var(slope) = 0.03.
    @Test func aLineByHandIsReproduced() throws {
        let fit = try #require(
            LeastSquares([[1, 0], [1, 1], [1, 2], [1, 3]], [1, 3, 5, 8]))
        #expect(abs(fit.coefficients[0] - 0.8) < 1e-12)
        #expect(abs(fit.coefficients[1] - 2.3) < 1e-12)
        #expect(abs(fit.covariance[1][1] - 0.03) < 1e-12)
        #expect(fit.freedom == 2)
    }

    @Test func columnsThatDependOnEachOtherAreRefused() {
        #expect(LeastSquares([[1, 2], [2, 4], [3, 6]], [1, 2, 3]) == nil)
        #expect(LeastSquares([[1, 2]], [1]) == nil)
    }

    @Test func theShapeBehindTheDataIsFound() throws {
        let loads: [Double] = [1, 2, 4, 8, 16, 24, 28, 32]
        func noisy(_ seed: UInt64, _ value: (Double) -> Double) -> LoadCurve? {
            var random = Seed(seed).stream("shape")
            return LoadCurve(
                loads.map { .init(load: $0, value: value($0) * (1 + 0.01 * random.gaussian())) })
        }
        let queue = try #require(noisy(1) { 0.4 + 0.1 * ($0 / 36) / (1 - $0 / 36) })
        #expect(queue.shape == .queue)
        #expect(abs(queue.parameters[2] - 36) < 2)
        let usl = try #require(noisy(2) { 0.4 + 0.01 * ($0 - 1) + 0.001 * $0 * ($0 - 1) })
        #expect(usl.shape == .usl)
        let flat = try #require(noisy(3) { _ in 0.5 })
        #expect(flat.shape == .flat)
        #expect(flat.knee(limit: 100) == nil)
    }

    /// Kleinrock's knee of c + w ρ/(1 − ρ) solves R = N·R′: for c = w it is N = m/2.
    @Test func theKneeOfAQueueIsWhereTheTangentFromTheOriginTouches() throws {
        let curve = try #require(
            LoadCurve(
                [2, 10, 20, 30, 40, 48].map { load in
                    let rho = load / 50
                    return .init(load: load, value: 0.1 + 0.1 * rho / (1 - rho))
                }))
        let knee = try #require(curve.knee(limit: 100))
        #expect(abs(knee - 25) < 0.5)
    }

    @Test func intervalsOfATrendCoverItsSlope() {
        var covered = 0
        for seed in 0..<200 {
            var random = Seed(UInt64(seed)).stream("trend")
            // Neighbours resemble each other: r = 0.5.
            var noise = 0.0
            let points = (0..<240).map { place -> (x: Double, y: Double) in
                noise = 0.5 * noise + random.gaussian()
                return (Double(place), 0.02 * Double(place) + noise)
            }
            guard let trend = Trend(points) else { continue }
            if (trend.interval.low ?? 1) <= 0.02, (trend.interval.high ?? 0) >= 0.02 {
                covered += 1
            }
        }
        #expect(covered >= 185, "\(covered) of 200")
    }

    @Test func saturationIsSeenWhenBothGrowAndNotWhenOneDoes() {
        func verdict(calls: (Double) -> Double, latency: (Double) -> Double) -> Bool {
            var detector = SaturationDetector()
            var random = Seed(5).stream("saturation")
            for second in 0..<60 {
                let at = Double(second)
                detector.add(
                    second: at, underWay: calls(at) + random.gaussian(),
                    meanLatency: latency(at) * (1 + 0.05 * random.gaussian()))
            }
            return detector.evidence != nil
        }
        #expect(verdict(calls: { 20 + $0 }, latency: { 0.5 + 0.05 * $0 }))
        #expect(!verdict(calls: { _ in 20 }, latency: { 0.5 + 0.05 * $0 }))
        #expect(!verdict(calls: { 20 + $0 }, latency: { _ in 0.5 }))
        #expect(!verdict(calls: { _ in 20 }, latency: { _ in 0.5 }))
    }

    @Test func nothingIsConcludedFromLessThanHalfAMinute() {
        var detector = SaturationDetector()
        for second in 0..<29 {
            detector.add(
                second: Double(second), underWay: Double(second), meanLatency: Double(second + 1))
        }
        #expect(detector.evidence == nil)
        detector.add(second: 29, underWay: 29, meanLatency: 30)
        #expect(detector.evidence != nil)
    }

    /// y = 2, 4, 6, 9 at x = 1…4: ŷ = −0.5 + 2.3 x, s² = 0.15, and at x = 5 the mean's own variance is s² · 1.5, so a new value lies
    /// within t(0.975, 2) · √(0.15 · 2.5) = 4.3027 · 0.6124 = 2.635 of 11.
    @Test func aNewMeasurementLiesWithinTheScatterAndTheDoubtAboutTheLine() throws {
        let fit = try #require(LeastSquares((1...4).map { [1, Double($0)] }, [2, 4, 6, 9]))
        let prediction = try #require(fit.prediction(at: [1, 5]))
        #expect(abs(prediction.value - 11) < 1e-9)
        #expect(abs((prediction.interval.high ?? 0) - 13.635) < 0.01)
        #expect(abs((prediction.interval.low ?? 0) - 8.365) < 0.01)
        #expect(LeastSquares([[1, 1], [1, 2]], [1, 2])?.prediction(at: [1, 3]) == nil)
    }
}
