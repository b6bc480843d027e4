import Testing
import UproarCore

@testable import UproarCapacity

/// Days that can be worked out by hand, and one that cannot.
@Suite struct FleetSimulationTests {
    private func policy(
        minimum: Int = 1, maximum: Int = 1, maxJobs: Int? = 2, grace: Double = 30,
        down: AutoscalePolicy.Rules = .init(stabilisation: 0, changes: [.percent(100, seconds: 15)])
    ) -> AutoscalePolicy {
        AutoscalePolicy(
            name: "test", source: "by hand", minimum: minimum, maximum: maximum,
            metrics: [.calls(2)],
            up: .init(stabilisation: 0, changes: [.pods(100, seconds: 15)]), down: down,
            requestCores: 1, limitCores: 1, requestBytes: 1e9, maxJobs: maxJobs, grace: grace)
    }

    private let model = FleetSimulation.PodModel(
        coresAtRest: 0, coresPerCall: 0.1, bytesAtRest: 0, bytesPerCall: 0, start: 20,
        dollarsPerHour: 0.1
    ) { calls, _ in (0.4, 0.4 + 0.1 * Double(calls)) }

    private func log(_ calls: [(Double, Double)]) -> CallLog {
        CallLog(name: "by hand", calls: calls.map { .init(start: $0.0, length: $0.1) })
    }

    /// One pod, two places: the third call at the same time is refused, the fourth finds the first one's place.
    @Test func aCallWithoutAPlaceIsRefused() {
        let report = FleetSimulation.run(
            log([(10, 60), (20, 60), (30, 60), (71, 60)]), policy(), model)
        #expect(report.offered == 4)
        #expect(report.refused == 1)
        #expect(report.cut == 0)
        #expect(report.peakCalls == 2)
        // One pod all day.
        #expect(abs(report.podHours - 24) < 0.01)
    }

    /// Six places on one pod, and two calls by pod wanted: the sync at 15 s wants ⌈6/2⌉ = 3 pods. Two start, and take calls from 35 s
    /// on: the call at 34 s is refused, those at 36 s are not.
    @Test func aPodThatIsWantedTakesCallsAfterItsStart() {
        let six = (0..<6).map { _ in (10.0, 300.0) }
        let report = FleetSimulation.run(
            log(six + [(34, 300), (36, 300), (36.5, 300)]), policy(maximum: 10, maxJobs: 6), model)
        #expect(report.refused == 1)
        #expect(report.podsStarted >= 3)
        #expect(report.peakCalls == 8)
    }

    /// Two pods with a call each of 300 s. At 15 s one pod would do (2 calls by pod): the younger is told to go, and its call has 30 s
    /// of grace: cut at 45 s. With 1800 s of grace it ends by itself.
    @Test(arguments: [(30.0, 1), (1800.0, 0)])
    func scaleDownCutsWhatOutlivesTheGrace(grace: Double, cut: Int) {
        let report = FleetSimulation.run(
            log([(1, 300), (2, 300)]),
            policy(
                maximum: 2, grace: grace,
                down: .init(stabilisation: 15, changes: [.percent(100, seconds: 15)])),
            startingWith: 2, model)
        #expect(report.cut == cut)
        #expect(report.refused == 0)
    }

    /// Every call is refused, cut, or served: nothing is lost between.
    @Test(arguments: TrafficShape.allCases)
    func everyCallIsAccountedFor(shape: TrafficShape) {
        let length = Distribution.lognormal(p50: .seconds(150), p95: .seconds(600))
        let day = shape.day(peak: 60, mean: 205, seed: Seed(3)) { length.draw(&$0).inSeconds }
        #expect(day.calls.count > 1000)
        for policy in [AutoscalePolicy.guide000, .guide002, .guide004] {
            let report = FleetSimulation.run(day, policy, model)
            #expect(report.offered == day.calls.count)
            #expect(report.buckets.reduce(0) { $0 + $1.offered } == report.offered)
            #expect(report.buckets.reduce(0) { $0 + $1.refused } == report.refused)
            #expect(report.buckets.reduce(0) { $0 + $1.cut } == report.cut)
            #expect(report.buckets.last?.calls == 0)
            #expect(report.peakPods <= policy.maximum)
        }
    }

    @Test func theSameDayGivesTheSameReport() {
        let day = TrafficShape.evening.day(peak: 40, mean: 205, seed: Seed(9)) { _ in 205 }
        let a = FleetSimulation.run(day, .guide004, model).json(dollarsPerPodHour: 0.1)
        let b = FleetSimulation.run(day, .guide004, model).json(dollarsPerPodHour: 0.1)
        #expect(a == b)
    }

    /// One load all day is one lognormal: the day's p95 is that load's.
    @Test func theDaysLatencyIsTheMixtureOfItsLoads() throws {
        let calls = (0..<288).map { (Double($0) * 300, 300.0) }
        let report = FleetSimulation.run(log(calls), policy(maxJobs: nil), model)
        let p95 = try #require(report.p95)
        #expect(abs(p95 - 0.5) < 0.01)
    }
}
