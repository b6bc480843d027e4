import Glibc
import Testing
import UproarAgent
import UproarCore
import UproarRuntime
import UproarSimulation

@testable import UproarHarness

@Suite struct AgentPricesTests {
    private func prices(_ text: String?) throws -> PriceBook {
        var template = Array("/tmp/uproar-prices-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        let path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            close(descriptor)
            unlink(path)
        }
        var settings = UproarAgent.AgentSettings()
        settings.redisURL = ""
        if let text {
            try #require(write(descriptor, text, text.utf8.count) == text.utf8.count)
            settings.prices = path
        }
        let world = SimulatedWorld()
        var book: PriceBook?
        _ = try AgentAssembly.make(
            settings, keys: .init(), loop: world.loop, network: world.network,
            http: SimulatedHTTPClient(loop: world.loop, network: world.network), seed: Seed(1)
        ) { book = $0.prices }
        return try #require(book)
    }

    @Test func pricesComeFromTheFile() throws {
        let book = try prices(
            """
            name: ours
            prices:
              - {provider: deepgram, model: nova-3, unit: audio_minute, dollars: $0.5, as_of: 2026-11-30, source: contract}
            """)
        #expect(book.name == "ours")
        #expect(book.prices.map(\.dollars) == [0.5])
    }

    @Test func withoutAFileThePricesAreTheGuides() throws {
        #expect(try prices(nil).name == "guides")
    }

    @Test func whatIsWrongInTheFileIsSaidWithItsPlace() throws {
        #expect(throws: AgentAssembly.Problem.self) { try prices("name: ours") }
        do {
            _ = try prices("name: ours\nprices:\n  - {provider: deepgrm}")
        } catch { #expect("\(error)".contains(":3:")) }
    }
}
