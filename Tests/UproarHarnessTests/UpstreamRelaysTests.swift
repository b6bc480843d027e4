import Testing
import UproarCore
import UproarScenario

@testable import UproarHarness

@Suite struct UpstreamRelaysTests {
    private let wanted = [ProviderUpstream(provider: .deepgram, url: "wss://api.deepgram.com")]

    @Test func aMissingKeyIsSaidBeforeAnythingStarts() {
        let error = #expect(throws: ScenarioLoading.Problem.self) {
            try UpstreamRelays(wanted, log: nil) { _ in nil }
        }
        let words = error?.description ?? ""
        #expect(words.contains("providers.deepgram.upstream"))
        #expect(words.contains("the environment has no DEEPGRAM_API_KEY"))
        #expect(throws: Never.self) {
            try UpstreamRelays(wanted, log: nil) { _ in "k" }
        }
    }

    @Test func whatWasMeasuredIsSaidOfEachVendor() throws {
        let relays = try UpstreamRelays(wanted, log: nil) { _ in "secret" }
        let evidence = try #require(relays.evidence)
        let notes = UpstreamRelays.notes(["upstream": evidence])
        #expect(
            notes == ["deepgram was the real one at api.deepgram.com: 0 exchanges, 0 failed"])
        #expect(UpstreamRelays().evidence == nil && UpstreamRelays.notes(.null).isEmpty)
        let known: JSONValue = [
            "upstream": [
                "openai": [
                    "host": "v.test", "exchanges": 3, "failures": 1,
                    "connect_ms": ["p50": .number(1.5), "p95": .number(2)],
                ]
            ]
        ]
        #expect(
            UpstreamRelays.notes(known) == [
                "openai was the real one at v.test: 3 exchanges, 1 failed, connect p50 1.5 ms p95 2.0 ms"
            ])
    }
}
