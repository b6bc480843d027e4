import Glibc
import Testing
import UproarCore
import UproarScenario

/// Files of the repository, for tests that read what is shipped.
enum Repository {
    static let root = String(
        #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())

    static func bytes(_ path: String) -> [UInt8]? {
        guard let file = fopen(root + "/" + path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            bytes += buffer[..<count]
        }
        // A folder opens, and reads as an error.
        return ferror(file) == 0 ? bytes : nil
    }

    static func exists(_ path: String) -> Bool { access(root + "/" + path, F_OK) == 0 }
}

@Suite struct CorpusManifestTests {
    @Test func whatIsWrittenReadsBackTheSame() throws {
        let manifest = CorpusManifest(
            corpus: "mine: \"all\"", licence: "CC-BY-SA (Allison Smith)",
            clips: [
                ClipDescription(
                    id: "a-1", file: "sub dir/a #1.flac", transcript: "It's \"me\": yes, \\ no — ü",
                    speaker: "anna", licence: "CC-BY-SA (Allison Smith)",
                    speech: .milliseconds(120)..<(.milliseconds(1840)),
                    innerPauses: [.milliseconds(620)..<(.microseconds(760_125))],
                    variant: "cafe"),
                ClipDescription(
                    id: "cough", file: "c.wav", transcript: "", kind: .noise,
                    licence: "CC-BY-SA (Allison Smith)", speech: .zero..<(.seconds(61)),
                    isAnnotatedByUs: false),
            ])
        #expect(try CorpusManifest.read(Array(manifest.text.utf8), file: "m") == manifest)
        #expect(manifest.text.contains("speech: {start: 120ms, end: 1840ms}"))
    }

    @Test(arguments: [
        ("id: list-slt", "id: add-milk-slt", "second clip"),
        ("end: 400ms}}", "end: 10ms}}", "ends before it begins"),
        ("{start: 620ms, end: 760ms}", "{start: 620ms, end: 2760ms}", "inside the speech"),
        ("{start: 620ms, end: 760ms}", "{start: 20ms, end: 760ms}", "inside the speech"),
        ("kind: utterance", "kind: uterance", "did you mean \"utterance\"?"),
        ("file: a.flac, ", "", "has no \"file\""),
        ("transcript: Stop., ", "", "has no \"transcript\""),
        ("variant: clean", "variant: x y", "no id"),
        ("annotated_by: hand", "annotated_by: me", "unknown annotator"),
        ("start: 120ms", "start: 120", "no unit"),
        ("licence: Apache-2.0\n", "", "has no \"licence\""),
    ])
    func wrongManifests(_ from: String, _ to: String, _ reason: String) {
        let text = ScenarioFixture.manifest.replacing(from, with: to, maxReplacements: 1)
        let problems = #expect(throws: FileProblems.self) {
            try CorpusManifest.read(Array(text.utf8), file: "m")
        }
        #expect(problems?.description.contains(reason) == true, "\(problems?.description ?? "")")
    }
}

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
