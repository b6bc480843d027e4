import Glibc
import Testing
import UproarCore
import UproarScenario

@Suite struct ArrivalPlanTests {
    private func make(_ lines: [(String, String)], seed: UInt64 = 1, redial: Duration = .seconds(1))
        throws -> ArrivalPlan
    {
        let load = try lines.enumerated().map { index, line in
            LoadLine(
                name: "line-\(index)",
                shape: try LoadText.parse(line.1, key: line.0) { _ throws(TextProblem) in
                    [.zero, .seconds(4), .seconds(6)]
                })
        }
        return ArrivalPlan(load, seed: Seed(seed), redial: redial)
    }

    @Test(arguments: [
        ("10/s", "60s", 600, 100_000_000), ("0.5/min", "10m", 5, 120_000_000_000),
        ("100/h", "2h", 200, 36_000_000_000), ("3/s", "10s", 30, 333_333_333),
        ("0.1/s", "1m", 6, 10_000_000_000),
    ])
    func constantRatesAreExact(_ rate: String, _ time: String, _ count: Int, _ gap: Int64) throws {
        let plan = try make([("arrive", "\(rate) constant for \(time)")])
        #expect(plan.arrivals.count == count)
        for (index, arrival) in plan.arrivals.enumerated() {
            // Computed, not accumulated: the last start is as exact as the first.
            #expect(abs(arrival.at.nanoseconds - Int64(index) * gap) <= Int64(index))
        }
        let last = try #require(plan.arrivals.last)
        #expect(last.at < plan.duration)
    }

    /// Kolmogorov–Smirnov against the uniform distribution: the critical value at 0.1 % is 1.95/√n.
    private func distance(_ values: [Double], _ cumulative: (Double) -> Double) -> Double {
        let sorted = values.sorted()
        let n = Double(sorted.count)
        return sorted.enumerated().map { index, value in
            let expected = cumulative(value)
            return max(abs(expected - Double(index) / n), abs(Double(index + 1) / n - expected))
        }.max() ?? 1
    }

    @Test func poissonHasItsCountForEverySeedAndExponentialGaps() throws {
        var plans: [[ArrivalPlan.Arrival]] = []
        for seed in UInt64(1)...5 {
            let plan = try make([("arrive", "20/s poisson for 200s")], seed: seed)
            #expect(plan.arrivals.count == 4_000)
            let places = plan.arrivals.map { $0.at.inSeconds / 200 }
            #expect(places == places.sorted() && places[0] >= 0 && places[3_999] < 1)
            #expect(distance(places) { $0 } < 1.95 / sqrt(4_000))
            let gaps = zip(plan.arrivals.dropFirst(), plan.arrivals).map {
                ($0.at - $1.at).inSeconds
            }
            #expect(distance(gaps) { 1 - exp(-20 * $0) } < 1.95 / sqrt(4_000))
            plans.append(plan.arrivals)
        }
        #expect(Set(plans).count == 5)
        #expect(try make([("arrive", "20/s poisson for 200s")], seed: 3).arrivals == plans[2])
    }

    @Test func freePoissonVariesInCount() throws {
        let counts = try (UInt64(1)...40).map {
            try make([("arrive", "10/s poisson-free for 40s")], seed: $0).arrivals.count
        }
        #expect(Set(counts).count > 10)
        let mean = Double(counts.reduce(0, +)) / 40
        #expect(abs(mean - 400) < 4 * 20 / sqrt(40))
        let plan = try make([("arrive", "20/s poisson-free for 200s")])
        let gaps = zip(plan.arrivals.dropFirst(), plan.arrivals).map { ($0.at - $1.at).inSeconds }
        #expect(distance(gaps) { 1 - exp(-20 * $0) } < 1.95 / sqrt(Double(gaps.count)))
    }

    @Test(arguments: ["0.25", "0.5", "1", "4", "25"])
    func gammaGapsHaveTheirVariation(_ shape: String) throws {
        let plan = try make([("arrive", "100/s gamma(\(shape)) for 500s")])
        #expect(plan.arrivals.count == 50_000)
        let gaps = zip(plan.arrivals.dropFirst(), plan.arrivals).map { ($0.at - $1.at).inSeconds }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(gaps.count)
        let expected = 1 / sqrt(try #require(Double(shape)))
        #expect(abs(sqrt(variance) / mean / expected - 1) < 0.03)
    }

    @Test func rateRampsFollowTheAreaUnderTheRate() throws {
        let plan = try make([("ramp", "0/s -> 10/s over 20s")])
        #expect(plan.arrivals.count == 100)
        for (index, arrival) in plan.arrivals.enumerated() {
            let time = arrival.at.inSeconds
            #expect(abs(0.25 * time * time - Double(index)) < 1e-6)
        }
        let down = try make([("ramp", "10/s -> 0/s over 20s")])
        #expect(down.arrivals.count == 100)
        #expect(down.arrivals.map(\.at) == down.arrivals.map(\.at).sorted())
        #expect(down.arrivals[1].at < .milliseconds(110))
        let flat = try make([("ramp", "60/min -> 1/s over 20s")])
        #expect(flat.arrivals.map(\.at) == (0..<20).map { .seconds($0) })
    }

    @Test func closedCallersComeAndGoOneByOne() throws {
        let plan = try make([
            ("ramp", "0 -> 200 callers over 10s"), ("hold", "200 callers for 60s"),
            ("ramp", "200 -> 0 callers over 10s"),
        ])
        #expect(plan.arrivals.isEmpty)
        #expect(plan.spans.count == 200)
        #expect(plan.spans[0].from == .zero && plan.spans[1].from == .milliseconds(50))
        #expect(plan.spans.map(\.caller) == Array(0..<200))
        #expect(plan.closedLevel(at: .seconds(5)) == 101)
        #expect(plan.closedLevel(at: .seconds(40)) == 200)
        #expect(plan.closedLevel(at: .seconds(75)) == 99)
        #expect(plan.closedLevel(at: .seconds(80)) == 0)
        #expect(plan.peakCalls(callLength: .seconds(30)) == 200)
        // The last to come is the first to go.
        #expect(plan.spans[199].until == .seconds(70))
        #expect(plan.spans[0].until == .milliseconds(79_950))
        #expect(plan.duration == .seconds(80))
    }

    @Test func redialEndsWithTheSpan() throws {
        let plan = try make([("hold", "2 callers for 10s")], redial: .seconds(2))
        #expect(plan.redialTime(span: 0, after: .seconds(5)) == .seconds(7))
        #expect(plan.redialTime(span: 0, after: .milliseconds(7_999)) == .milliseconds(9_999))
        #expect(plan.redialTime(span: 0, after: .seconds(8)) == nil)
        // Calls of 3 s begin at 0, 5 (3 + 2) and never at 10.
        #expect(plan.callCount(callLength: .seconds(3)) == 4)
    }

    @Test func stepsHoldEachLevel() throws {
        let plan = try make([("steps", "50 -> 120 callers by 50 every 30s")])
        #expect(plan.duration == .seconds(90))
        #expect(
            [0, 29, 30, 59, 60, 89, 90].map { plan.closedLevel(at: .seconds($0)) }
                == [50, 50, 100, 100, 120, 120, 0])
        let down = try make([("steps", "30 -> 10 callers by 10 every 1s")])
        #expect([0, 1, 2].map { down.closedLevel(at: .seconds($0)) } == [30, 20, 10])
    }

    @Test func aSpikeComesOnTopAndLeavesTheHoldAlone() throws {
        let plan = try make([
            ("hold", "10 callers for 5s"), ("spike", "7 callers at once"),
            ("hold", "10 callers for 5s"), ("arrive", "1/s constant for 3s"),
            ("replay", "x.csv x2"),
        ])
        #expect(plan.spans.count == 10)
        #expect(plan.spans.allSatisfy { $0.until == .seconds(10) })
        #expect(plan.arrivals.prefix(7).allSatisfy { $0.at == .seconds(5) && $0.line == 1 })
        #expect(
            plan.arrivals.dropFirst(7).map(\.at.inSeconds) == [10, 11, 12, 13, 15, 16])
        #expect(plan.duration == .seconds(16))
        #expect(plan.peakCalls(callLength: .seconds(2)) == 17)
        #expect(plan.peakCalls(callLength: .seconds(20)) == 17)
        let starts = plan.starts
        #expect(starts.count == 23)
        #expect(starts.map(\.at) == starts.map(\.at).sorted())
        #expect(starts[0].span == 0 && starts[10].span == nil)
    }

    @Test func windowsComeFromTheLines() throws {
        let plan = try make([
            ("ramp", "0 -> 20 callers over 10s"), ("hold", "20 callers for 30s"),
            ("steps", "20 -> 40 callers by 20 every 5s"), ("hold", "40 callers for 20s"),
            ("ramp", "40 -> 0 callers over 5s"),
        ])
        let windows = plan.windows
        #expect(windows.warmup == .zero..<(.seconds(50)))
        #expect(windows.steady == .seconds(50)..<(.seconds(70)))
        #expect(windows.stages.map(\.name) == (0..<5).map { "line-\($0)" })
        #expect(windows.stages[1].window == .seconds(10)..<(.seconds(40)))
        let flat = try make([("hold", "1 callers for 3s")]).windows
        #expect(flat.warmup.isEmpty && flat.steady == .zero..<(.seconds(3)))
        let spike = try make([("spike", "5 callers at once")]).windows
        #expect(spike.steady == .zero..<LoadWindows.forever)
    }

    @Test func tenThousandCallsArePlannedAtOnce() throws {
        let plan = try make([
            ("ramp", "0 -> 10000 callers over 60s"), ("arrive", "100/s poisson for 100s"),
        ])
        #expect(plan.starts.count == 20_000)
    }
}
