import Testing
import UproarCore
import UproarScenario

@Suite struct ProviderPlaceTests {
    private func read(_ text: String) throws -> Scenario {
        try ScenarioFixture.read(ScenarioFixture.small + text)
    }

    @Test func whoseProvidersTheyAreDecidesWhetherTurnsCarryReferences() throws {
        let url = "target: {url: 'ws://127.0.0.1:9/x'}\n"
        #expect(try read("").isTagging)
        #expect(try !read(url).isTagging)
        #expect(try !read(url + "tagging: off\n").isTagging)
        let listen = try read(url + "providers: {listen: '127.0.0.1:9100'}\n")
        #expect(
            listen.isTagging && listen.providers.place == .listen(host: "127.0.0.1", port: 9100))
        let attach = try read(url + "providers: {attach: 'tcp://127.0.0.1:9199'}\n")
        #expect(attach.isTagging && attach.providers.place == .attach("tcp://127.0.0.1:9199"))
        let off = try read(url + "providers: {attach: 'tcp://127.0.0.1:9199'}\ntagging: off\n")
        #expect(!off.isTagging)
    }

    @Test(arguments: [
        ("target: {url: 'ws://a'}\ntagging: on\n", "would hear nothing"),
        ("providers: {attach: 'tcp://a:1'}\n", "has the run's own providers"),
        (
            "target: {url: 'ws://a'}\nproviders: {attach: 'tcp://a:1', listen: 'a:1'}\n",
            "stands beside providers.listen"
        ),
        ("providers: {listen: 9100}\n", "no place to listen at"),
        ("target: {url: 'ws://a'}\nproviders: {attach: 'http://a:1'}\n", "no place of providers"),
        ("target: {url: 'ws://a', stream_url: 'ws://b'}\n", "goes with a webhook"),
    ])
    func mistakesAreNamed(_ text: String, _ reason: String) {
        let problems = ScenarioFixture.problems(ScenarioFixture.small + text)
        #expect(problems.contains { $0.reason.contains(reason) }, "\(problems.map(\.reason))")
    }

    @Test func portsAreNoPartOfWhatAScenarioIs() throws {
        let url = "target: {url: 'ws://127.0.0.1:9/x'}\nproviders: "
        func bytes(_ place: String) throws -> [UInt8] {
            try read(url + place + "\n").canonicalBytes
        }
        let one = try bytes("{listen: '127.0.0.1:9100'}")
        let two = try bytes("{listen: '127.0.0.1:9200'}")
        let own = try bytes("{preset: guide-budget}")
        #expect(one == two && one != own)
    }

    @Test func theQuotaOfAProviderIsPartOfWhatAScenarioIs() throws {
        let plain = try read("providers: {openai: {pace: 80 tokens/s}}\n")
        let limited = try read("providers: {openai: {concurrency: 20}}\n")
        #expect(limited.providers.terms.map(\.concurrency) == [20])
        #expect(limited.providers.label == "guide-budget, changed: openai")
        #expect(plain.canonicalBytes != limited.canonicalBytes)
    }

    @Test func gatesOnWhatNobodyCouldKnowAreRefused() throws {
        func problems(_ text: String) throws -> [String] {
            ScenarioCheck(
                try read(text + "gates: ['turns_stale: count <= 0', 'turns_lost: count <= 0']\n"),
                seed: Seed(1), catalog: ScenarioFixture.catalog
            ).problems.map(\.reason)
        }
        #expect(
            try problems("target: {url: 'ws://127.0.0.1:9/x'}\n") == [
                "turns_stale is unknown while tagging is off"
            ])
        #expect(try problems("").isEmpty)
    }
}
