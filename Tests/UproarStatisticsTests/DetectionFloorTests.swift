import Testing
import UproarCore
import UproarStatistics

@Suite("How soon an agent can notice at all")
struct DetectionFloorTests {
    /// Ten calls that each ask a model once in 8 s, for 80 s; then it fails, and the first of them asks elsewhere.
    private func history(_ policy: DetectionFloor.Policy) -> FaultHistory {
        var subject = FaultHistory.Subject(
            id: "llm-down", number: 2, kind: "http_error", target: "openai", summary: "",
            providers: [.openai], recovery: .seconds(10))
        subject.policy = policy
        var history = FaultHistory(subject)
        let openai = FactOrigin.provider(.openai)
        for step in 0..<100 {
            history.take(
                FaultHistoryTests.fact(
                    .modelRequested, step * 800, call: UInt32(step % 10), openai))
        }
        history.take(FaultHistoryTests.fact(.faultArmed, 80_000, detail: 2, .nemesis))
        history.take(FaultHistoryTests.fact(.faultEffective, 80_000, call: 0, detail: 2, openai))
        history.clear(at: .zero + .seconds(200))
        return history
    }

    private func figures(_ policy: DetectionFloor.Policy) -> [String: FaultFigure] {
        let report = history(policy).report(end: .zero + .seconds(220))
        return Dictionary(report.figures.map { ($0.name, $0) }) { first, _ in first }
    }

    /// requirements: 10 calls × one request per 8 s are 1.25 requests a second, so that a minimum of 100 takes 80 s.
    @Test("resilience4j's minimum of 100 requests takes 80 s at 1.25 requests a second")
    func minimumOfRequests() throws {
        let figures = figures(.init(failures: 100, deadline: nil, movesOnAtOnce: false))
        #expect(figures["breaker_floor"]?.text == "1m20s")
        // No attempt gives up by itself.
        #expect(figures["detection_floor"] == nil)
        // Beside it stands what was measured, or that it was not seen.
        let names = history(.init(failures: 100, deadline: nil, movesOnAtOnce: false)).report(
            end: .zero + .seconds(220)
        ).figures.map(\.name)
        #expect(names.contains("time_to_detect") && names.contains("breaker_floor"))
    }

    @Test("Others of the same table, by the same calculation")
    func others() {
        // Polly v8: 100 in 30 s; at 1.25 a second there are 37 in 30 s, and it never opens: the floor says no sooner than 80 s.
        // Envoy: five in a row. LiveKit: 10 s, asked twice; a voice three times.
        let envoy = DetectionFloor(
            .init(failures: 5, deadline: nil, movesOnAtOnce: false), requestsPerSecond: 1.25)
        #expect(envoy.breaker == .seconds(4) && envoy.oneAttempt == nil)
        let ears = DetectionFloor(
            .init(failures: 1, deadline: .seconds(10), attempts: 2, movesOnAtOnce: true),
            requestsPerSecond: 1.25)
        #expect(ears.oneAttempt == .seconds(20))
        let voice = DetectionFloor(
            .init(failures: 1, deadline: .seconds(10), attempts: 3, movesOnAtOnce: true),
            requestsPerSecond: 0)
        #expect(voice.oneAttempt == .seconds(30) && voice.breaker == nil)
    }

    @Test("A hung request fails by its deadline before it can count")
    func silent() {
        let figures = figures(
            .init(failures: 5, deadline: .seconds(5), attempts: 1, movesOnAtOnce: true))
        #expect(figures["detection_floor"]?.text == "5.00s")
        #expect(figures["breaker_floor"]?.text == "9.00s")
    }
}
