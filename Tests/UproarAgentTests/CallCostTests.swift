import Testing
import UproarCore
import UproarRuntime

@testable import UproarAgent

@Suite struct CallCostTests {
    /// The worked example of the production guide.
    @Test func theGuidesExampleCostsWhatTheGuideSays() {
        var cost = CallCost()
        cost.heard(.seconds(30), by: .deepgram, model: "nova-3")
        cost.thought(
            LanguageModelUsage(promptTokens: 150, completionTokens: 80), by: .openai,
            model: "gpt-4o-mini")
        cost.spoke(.seconds(25), characters: 380, by: .cartesia, model: "sonic-3")
        let parts = cost.dollars(at: .guides)
        #expect(parts.map(\.provider) == [.deepgram, .openai, .cartesia])
        #expect(abs(parts[0].dollars - 0.00385) < 1e-9)
        #expect(abs(parts[1].dollars - 0.0000705) < 1e-9)
        #expect(abs(parts[2].dollars - 0.01) < 1e-9)
        #expect(abs(cost.total(at: .guides) - 0.0139205) < 1e-9)
    }

    @Test func fallbacksCostTheirOwnPrices() {
        var cost = CallCost()
        cost.thought(
            LanguageModelUsage(promptTokens: 1000, completionTokens: 1000), by: .openai,
            model: "gpt-3.5-turbo")
        cost.spoke(.seconds(10), characters: 1000, by: .elevenlabs, model: "eleven_flash_v2_5")
        let parts = cost.dollars(at: .guides)
        #expect(abs(parts[0].dollars - 0.002) < 1e-9)
        #expect(abs(parts[1].dollars - 0.05) < 1e-9)
    }
}
