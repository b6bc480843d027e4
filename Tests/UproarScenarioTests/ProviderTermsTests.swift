import Testing
import UproarCore

@testable import UproarScenario

/// What a scenario says of providers and their operations beyond the usual three.
@Suite struct ProviderTermsTests {
    private func read(_ text: String, files: [String: String] = ScenarioFixture.files) throws
        -> ProviderSettings
    {
        try ScenarioFixture.read(ScenarioFixture.small + text, files: files).providers
    }

    @Test func everyProviderAndOperationMayHaveTimesAndLimits() throws {
        let settings = try read(
            """
            providers:
              deepgram:
                latency: 70ms
                connect: 40ms
                operations: {file: {latency: 900ms, concurrency: 50}, live: {concurrency: 150}}
              assemblyai: {latency: 300ms}
              openai: {rate: 600/min, operations: {speech: {first_byte: 400ms, pace: 4x}}}
              workflow: {latency: 3s}

            """)
        #expect(settings.label == "guide-budget, changed: deepgram, assemblyai, openai, workflow")
        #expect(settings[.deepgram] == .speechToText(latency: .constant(.milliseconds(70))))
        let terms = settings.terms
        #expect(
            terms.map { "\($0.provider.name) \($0.operation ?? "")" } == [
                "deepgram ", "deepgram live", "deepgram file", "assemblyai ", "openai ",
                "openai speech", "workflow ",
            ])
        #expect(terms[0].connect == .constant(.milliseconds(40)) && terms[0].first == nil)
        #expect(terms[2].first == .constant(.milliseconds(900)) && terms[2].concurrency == 50)
        #expect(terms[4].rate == .init(count: 600, interval: .seconds(60)))
        #expect(terms[5].factor?.value == 4)
    }

    @Test(arguments: [
        ("providers: {deepgram: {operations: {life: {latency: 1s}}}}\n", "did you mean \"live\"?"),
        ("providers: {openai: {latency: 1s}}\n", "unknown key \"latency\" in providers.openai"),
        ("providers: {deepgram: {concurrency: 0}}\n", "concurrency"),
        ("providers: {openai: {rate: 0.5/s}}\n", "no whole number"),
        ("providers: {cartesia: {operations: {live: {first_token: 1s}}}}\n", "first_byte"),
        ("providers: {preset: published-uk}\n", "did you mean"),
        ("providers: {redis: {latency: 1s}}\n", "unknown key \"redis\""),
    ])
    func mistakesAreNamed(_ text: String, _ words: String) {
        let problems = ScenarioFixture.problems(ScenarioFixture.small + text)
        #expect(
            problems.contains { ($0.reason + $0.allowed).contains(words) },
            "\(problems.map(\.text))")
    }

    @Test func aScenarioWithoutTermsResolvesAsBefore() throws {
        let plain = try ScenarioFixture.read(ScenarioFixture.small).resolved(seed: 1)
        #expect(plain["providers"]?["terms"] == nil)
        let text = "providers: {whisper: {concurrency: 3}}\n"
        let limited = try ScenarioFixture.read(ScenarioFixture.small + text).resolved(seed: 1)
        #expect(limited["providers"]?["terms"]?["whisper"]?["concurrency"]?.int == 3)
    }

    @Test func aRegionAddsItsRoundTripToBothPercentiles() throws {
        let near = try read("providers: {preset: published}\n")
        let far = try read("providers: {preset: published-eu}\n")
        func first(_ settings: ProviderSettings) -> Distribution? {
            guard case .languageModel(let first, _)? = settings[.openai] else { return nil }
            return first
        }
        for q in [0.5, 0.95] {
            let added = try #require(first(far)?.quantile(q)) - #require(first(near)?.quantile(q))
            #expect(abs(added.inMilliseconds - 85) < 0.001)
        }
        // A WebSocket costs three round trips, a request two.
        #expect(
            PublishedFigures.connect(.cartesia, from: .eu) == .constant(.milliseconds(255)))
        #expect(PublishedFigures.connect(.openai, from: .eu) == .constant(.milliseconds(170)))
        #expect(PublishedFigures.connect(.openai, from: nil) == nil)
    }
}
