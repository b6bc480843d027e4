import Testing
import UproarScenario

@testable import UproarHarness

/// Scenarios of our own text work wherever people are.
@Suite struct ShippedScenarioTests {
    @Test(arguments: ["say-once", "calibration", "noise-floor"])
    func theirConversationsLieInTheShareFolder(name: String) throws {
        let files = ScenarioLoading.shipped(as: "scenarios/own.yaml")
        let found = try #require(
            files.find("conversations/\(name).yaml", "scenarios/own.yaml"))
        // From the root: it does not count from the working directory.
        #expect(found.hasPrefix("/"))
    }

    @Test func whatPeopleNameCountsFromWhereTheyAre() {
        let files = ScenarioLoading.shipped(as: "scenarios/own.yaml")
        #expect(files.find("Package.swift", "") == "Package.swift")
    }

    @Test(arguments: ["hello.wav", #"he said "hi".wav"#, #"a\b.wav"#, "a ${b}.wav", "ü\tx.wav"])
    func aNameReadsBackAsItWas(name: String) throws {
        let document = YAMLDocument.parse(Array("audio: \(YAMLText.literal(name))".utf8), file: "f")
        #expect(document.problems.isEmpty)
        let text = document.root?["audio"]?.scalar
        #expect(text == (name == "a ${b}.wav" ? "a $${b}.wav" : name))
    }
}
