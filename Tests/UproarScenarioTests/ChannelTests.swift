import Testing
import UproarCore

@testable import UproarScenario

@Suite struct ChannelTests {
    private static let catalog: ScenarioCatalog = {
        var catalog = ScenarioFixture.catalog
        catalog.transports[1].channels = ["browser", "screen_share"]
        return catalog
    }()

    private func read(_ more: String) throws -> Scenario {
        try ScenarioReader.read(
            Array((ScenarioFixture.small + more).utf8), file: "s/small.yaml", overrides: [],
            files: ScenarioFixture.access(), catalog: Self.catalog)
    }

    private func problems(_ more: String) -> String {
        do {
            _ = try read(more)
            return ""
        } catch { return "\(error)" }
    }

    @Test func eachChannelHasItsTransport() throws {
        let scenario = try read("channels: {phone: 70%, browser: 20%, screen_share: 10%}\n")
        #expect(scenario.channels.map(\.transport) == ["twilio", "browser", "browser"])
        #expect(scenario.transports == ["twilio", "browser"])
        #expect(scenario.usualChannel == .phone)
    }

    @Test func aTransportAloneBringsItsChannel() throws {
        let scenario = try read("transport: browser\n")
        #expect(scenario.channels.map(\.channel) == [.browser])
        #expect(scenario.transports == ["browser"])
    }

    @Test func latenciesOfSeveralTransportsAreAskedForByChannel() throws {
        let mixed = "channels: {phone: 70%, browser: 30%}\n"
        #expect(
            problems(mixed + #"gates: ["voice_to_voice: p95 < 800ms"]"#).contains("{channel=*}"))
        for gate in [
            "voice_to_voice{channel=phone}: p95 < 800ms", "voice_to_voice{channel=*}: p95 < 800ms",
            "voice_to_voice{transport=browser}: p95 < 800ms", "turns_lost: count <= 0",
        ] {
            #expect(problems(mixed + "gates: [\"\(gate)\"]") == "")
        }
        // Two channels of one transport are one distribution.
        let browsers = "channels: {browser: 50%, screen_share: 50%}\n"
        #expect(problems(browsers + #"gates: ["voice_to_voice: p95 < 800ms"]"#) == "")
    }

    @Test func anAgentOfSeveralTransportsNeedsSeveralAddresses() {
        let target = #"target: {url: "ws://127.0.0.1:1/media"}"# + "\n"
        #expect(
            problems(target + "channels: {phone: 70%, browser: 30%}\n").contains("browser_url"))
        let both =
            #"target: {url: "ws://127.0.0.1:1/media", browser_url: "ws://127.0.0.1:1/browser"}"#
            + "\n"
        #expect(problems(both + "channels: {phone: 70%, browser: 30%}\n") == "")
        #expect(problems(both).contains("browser_url goes with"))
    }

    @Test func workersMayComeBack() throws {
        let scenario = try read("target: {embedded: {workers: 3, restart_delay: 2s}}\n")
        #expect(scenario.target == .embedded(workers: 3, restartDelay: .seconds(2)))
        #expect(try read("").target == .embedded(workers: 1, restartDelay: nil))
    }

    @Test func anyIsAChoiceToo() {
        let any = GateRule.Condition("channel", .equals, "*")
        #expect(any.holds(of: "phone"))
        #expect(any.holds(of: nil))
        #expect(!GateRule.Condition("channel", .equals, "phone").holds(of: "browser"))
    }
}
