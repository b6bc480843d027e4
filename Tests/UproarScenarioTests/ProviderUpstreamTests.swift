import Testing
import UproarCore
import UproarScenario

@Suite struct ProviderUpstreamTests {
    private func read(_ text: String) throws -> Scenario {
        try ScenarioFixture.read(ScenarioFixture.small + text)
    }

    @Test func anyProviderMayBeTheRealOne() throws {
        for provider in ProviderID.allCases where provider != .redis {
            let scenario = try read(
                "providers: {\(provider.name): {upstream: 'https://vendor.test:8443/base'}}\n")
            #expect(
                scenario.providers.upstreams == [
                    ProviderUpstream(provider: provider, url: "https://vendor.test:8443/base")
                ])
            #expect(scenario.providers.label.hasSuffix(", real: \(provider.name)"))
        }
    }

    @Test func referencesAreOffWhereAVendorWouldHaveToCarryThem() throws {
        let real = "providers: {deepgram: {upstream: 'wss://v.test'}}\n"
        #expect(try !read(real).isTagging)
        #expect(try read(real + "tagging: on\n").isTagging)
        #expect(try read("providers: {sms: {upstream: 'https://v.test'}}\n").isTagging)
    }

    @Test func realOrNotIsPartOfWhatAScenarioIsAndItsPortIsNot() throws {
        func bytes(_ text: String) throws -> [UInt8] { try read(text).canonicalBytes }
        let one = try bytes("providers: {sms: {upstream: 'https://v.test:1'}}\n")
        let two = try bytes("providers: {sms: {upstream: 'https://v.test:2'}}\n")
        let other = try bytes("providers: {sms: {upstream: 'https://w.test'}}\n")
        #expect(one == two && one != other)
        #expect(try one != bytes("") && bytes("") == bytes("providers: {preset: guide-budget}\n"))
    }

    @Test(arguments: [
        ("{deepgram: {upstream: 'ftp://v.test'}}", "no address of a vendor"),
        ("{deepgram: {upstream: 'wss://'}}", "has no host"),
        ("{deepgram: {upstream: 'wss://v.test/?token=x'}}", "more than an address"),
        ("{deepgram: {upstream: 'wss://v.test', latency: 50ms}}", "stands beside a pace"),
        ("{deepgram: {upstrem: 'wss://v.test'}}", "did you mean \"upstream\"?"),
        ("{anthropic: {latency: 50ms}}", "unknown key \"latency\" in providers.anthropic"),
        ("{anthropc: {upstream: 'https://v.test'}}", "did you mean \"anthropic\"?"),
        ("{redis: {upstream: 'https://v.test'}}", "unknown key \"redis\""),
    ])
    func mistakesAreNamed(_ text: String, _ reason: String) {
        let problems = ScenarioFixture.problems(
            ScenarioFixture.small + "providers: \(text)\n")
        #expect(problems.contains { $0.reason.contains(reason) }, "\(problems.map(\.reason))")
    }

    @Test func thereHasToBeAnAddressOfTheRunsInFrontOfIt() {
        let url = "target: {url: 'ws://127.0.0.1:9/x'}\n"
        for (place, reason) in [
            ("", "knows no address of this run"),
            ("attach: 'tcp://127.0.0.1:1', ", "somebody else's providers"),
        ] {
            let problems = ScenarioFixture.problems(
                ScenarioFixture.small + url
                    + "providers: {\(place)openai: {upstream: 'https://v.test'}}\n")
            #expect(problems.contains { $0.reason.contains(reason) }, "\(problems.map(\.reason))")
        }
    }
}
