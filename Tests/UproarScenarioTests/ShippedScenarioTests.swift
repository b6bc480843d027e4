import Glibc
import Testing
import UproarCore
import UproarScenario

/// The scenarios in the repository: all valid, all fit for the reference agent, all understood by their own scripts.
@Suite struct ShippedScenarioTests {
    static let names = [
        "arrivals", "barge-in", "ci-gate", "ci-smoke", "first-call", "human-speech", "intercept",
        "noisy",
        "pauses", "pipecat",
        "quickstart", "soak", "thousand", "your-agent",
    ]
    static let catalog = ScenarioCatalog(
        transports: ScenarioFixture.catalog.transports,
        variants: ["clean", "cafe", "street", "low"])
    /// The reference agent's own endpointing.
    static let endpointing = Duration.milliseconds(260)

    static let files = ScenarioFiles { path, from in
        let folder = from.contains("/") ? from[...from.lastIndex(of: "/")!] : ""
        return [folder + path, path].first { Repository.exists($0) }
    } read: { path in
        Repository.bytes(path).map { .success($0) } ?? .failure(.init("cannot be read"))
    }

    static func read(_ name: String) throws -> Scenario {
        let file = "scenarios/\(name).yaml"
        let bytes = try #require(Repository.bytes(file))
        return try ScenarioReader.read(bytes, file: file, files: files, catalog: catalog)
    }

    @Test(arguments: names)
    func isValid(_ name: String) throws {
        let scenario = try Self.read(name)
        #expect(scenario.name == name)
        let check = ScenarioCheck(
            scenario, seed: Seed(scenario.seed ?? 1), catalog: Self.catalog,
            limits: MachineLimits(descriptors: 20_000, ports: 28_232, memory: 8_000_000_000),
            endpointing: Self.endpointing)
        #expect(check.problems.map(\.text) == [])
        #expect(check.warnings.map(\.text) == [])
        _ = try ConversationPlan(
            scenario.conversation, clips: scenario.audio.clips, seed: Seed(1))
    }

    @Test func everyScenarioIsInTheList() throws {
        let folder = try #require(opendir(Repository.root + "/scenarios"))
        defer { closedir(folder) }
        var found: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".yaml") { found.append(String(name.dropLast(5))) }
        }
        #expect(found.sorted() == Self.names)
    }

    @Test func quickstartMakesItsTurnsInTime() throws {
        let scenario = try Self.read("quickstart")
        let check = ScenarioCheck(scenario, seed: Seed(42), catalog: Self.catalog)
        #expect(check.peakCalls == 200)
        #expect(check.turns >= 1_000, "\(check.turns)")
        #expect((check.plan.duration + scenario.drain).inSeconds < 150)
        #expect(!scenario.isRecording)
        // The voice makes every reply before the first call: few enough for that.
        let replies = scenario.conversation.languageModel.everyReply(
            to: scenario.audio.clips.map(\.transcript))
        #expect((20...120).contains(replies.count), "\(replies.count)")
    }

    @Test func thousandCallersSpeakAlmostAThirdOfTheTimeOrMore() throws {
        let scenario = try Self.read("thousand")
        let check = ScenarioCheck(scenario, seed: Seed(42), catalog: Self.catalog)
        #expect(check.peakCalls == 1_000 && check.call.isEndless)
        let speaking = check.call.callerSpeech.inSeconds / check.call.length.inSeconds
        #expect(speaking >= 0.3, "\(speaking)")
        #expect(check.turns >= 3_000)
    }

    @Test func repliesAreShort() throws {
        for name in ["quickstart", "thousand", "human-speech"] {
            let scenario = try Self.read(name)
            for text in scenario.conversation.languageModel.everyReply(
                to: scenario.audio.clips.map(\.transcript))
            {
                #expect(text.split(separator: " ").count <= 16, "\(text)")
            }
        }
    }
}
