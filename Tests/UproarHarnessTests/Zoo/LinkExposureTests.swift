import Testing
import UproarCore
import UproarStatistics

@testable import UproarHarness

@Suite("Faults of links and of Redis say which calls they met")
struct LinkExposureTests {
    private func fault(_ event: String, load: String = "3 callers for 24s") throws
        -> RunResult.FaultRecord
    {
        let result = try SimulatedScenario.run(
            "scenarios/zoo/common.yaml",
            set: ["load=[{\"hold\":\"\(load)\"}]", "timeline=[\(event)]"])
        return try #require(result.faults.first)
    }

    private func figure(_ fault: RunResult.FaultRecord, _ name: String) -> FaultFigure? {
        fault.figures.first { $0.name == name }
    }

    @Test(arguments: ["hang", "slow, \"delay\":\"300ms\""])
    func everyCallDependsOnRedis(_ fault: String) throws {
        let name = fault.split(separator: ",")[0]
        let rest = fault.dropFirst(name.count)
        let report = try self.fault(
            "{\"id\":\"f\",\"at\":\"8s\",\"for\":\"5s\",\"inject\":\"\(name)\"\(rest),\"on\":\"redis\"}"
        )
        #expect(figure(report, "calls_exposed")?.value == 3)
    }

    @Test func aLinkToTheRecogniserMeetsTheCallsThatItCarries() throws {
        let report = try fault(
            #"{"id":"f","at":"8s","for":"6s","inject":"half_open","on":"agent->deepgram"}"#)
        #expect(figure(report, "calls_exposed")?.value == 3)
        #expect(report.alternates == ["whisper"])
        let failover = try #require(figure(report, "time_to_failover"))
        #expect(!failover.isCensored && failover.value < 3e9)
    }

    @Test func oneConnectionInThreeIsOneCallInThree() throws {
        let report = try fault(
            #"{"id":"f","at":"8s","for":"6s","inject":"delay","delay":"20ms","on":"callers->agent","cohort":"calls 3","per":"connection"}"#
        )
        #expect(figure(report, "calls_exposed")?.value == 1)
        #expect(figure(report, "calls_affected")?.value == 0)
    }

    @Test func aSlowLinkToTheModelMeetsEachCallByItsOwnRequests() throws {
        let report = try fault(
            #"{"id":"f","at":"8s","for":"8s","inject":"delay","delay":"30ms","on":"agent->openai"}"#
        )
        #expect(figure(report, "calls_exposed")?.value == 3)
        // Nothing had to stand in, and no storm of retries was found: turns with tools ask twice by nature.
        #expect(figure(report, "time_to_failover") == nil)
        #expect((figure(report, "amplification")?.value ?? 1) <= 3)
    }
}
