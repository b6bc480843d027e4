import Testing
import UproarCore
import UproarScenario

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
