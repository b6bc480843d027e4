import Testing
import UproarCore
import UproarScenario

@Suite struct PriceFileTests {
    private func book(_ name: String) throws -> PriceBook {
        let bytes = try #require(Repository.bytes("scenarios/prices/\(name).yaml"))
        return try PriceFile.read(bytes, file: name)
    }

    /// The worked example of the guides: 30 s heard, 150 + 80 tokens, 25 s spoken.
    @Test func theGuidesExampleCostsWhatTheySay() throws {
        let book = try book("guides-2025")
        var heard = ProviderUsage()
        heard.audio = .seconds(30)
        var thought = ProviderUsage()
        thought.promptTokens = 150
        thought.completionTokens = 80
        var spoken = ProviderUsage()
        spoken.audio = .seconds(25)
        let stt = try #require(book.cost(of: heard, provider: .deepgram))
        let llm = try #require(book.cost(of: thought, provider: .openai))
        let tts = try #require(book.cost(of: spoken, provider: .cartesia))
        #expect(abs(stt - 0.00385) < 1e-12)
        #expect(abs(llm - 0.0000705) < 1e-12)
        #expect(abs(tts - 0.01) < 1e-12)
        #expect(NumberText.dollars(stt + llm + tts) == "$0.0139")
        // Their "per minute" is for a call of 20 s.
        #expect(NumberText.dollars((stt + llm + tts) * 60 / 20) == "$0.0418")
    }

    @Test func everyPriceHasItsDateAndSource() throws {
        for name in ["guides-2025", "list-2026"] {
            let book = try book(name)
            #expect(book.name == name && book.prices.count >= 9)
            #expect(book.prices.allSatisfy { $0.asOf.count >= 7 && !$0.source.isEmpty })
        }
        #expect(try book("guides-2025").dollars(.openai, .thousandPromptTokens) == 0.00015)
        #expect(try book("list-2026").dollars(.cartesia, .thousandCharacters) == 0.05)
    }

    @Test(arguments: [
        ("provider: deepgram", "provider: deepgrm", "did you mean \"deepgram\"?"),
        ("unit: audio_minute", "unit: minute", "unknown unit"),
        ("$0.0077", "0.0077", "no money"), ("as_of: 2025-11,", "as_of: yesterday,", "no date"),
        ("as_of: 2025-11,", "as_of: 2025-13,", "no date"),
        ("source: guide}", "}", "has no \"source\""),
        ("provider: openai", "provider: deepgram", ""),
    ])
    func wrongPriceFiles(_ from: String, _ to: String, _ reason: String) {
        let text = ScenarioFixture.prices.replacing(from, with: to, maxReplacements: 1)
        guard !reason.isEmpty else {
            let twice = ScenarioFixture.prices + ScenarioFixture.prices.split(separator: "\n")[2]
            #expect(throws: FileProblems.self) { try PriceFile.read(Array(twice.utf8), file: "p") }
            return
        }
        let problems = #expect(throws: FileProblems.self) {
            try PriceFile.read(Array(text.utf8), file: "p")
        }
        #expect(problems?.description.contains(reason) == true, "\(problems?.description ?? "")")
    }
}
