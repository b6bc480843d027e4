import Testing
import UproarCore

@Suite struct ConversationPlanTests {
    static func clip(
        _ words: String, _ speaker: String, _ kind: ClipDescription.Kind = .utterance,
        variant: String = "clean"
    ) -> ClipDescription {
        ClipDescription(
            id: variant == "clean" ? "\(words)-\(speaker)" : "\(words)-\(speaker)-\(variant)",
            file: "x.flac", transcript: words, speaker: speaker, kind: kind,
            speech: .zero..<(.seconds(1)), variant: variant)
    }

    static let clips =
        ["a", "b", "c", "d"].flatMap { [clip($0, "slt"), clip($0, "rms")] } + [
            clip("stop", "awb", .interruption)
        ]

    static func script(
        _ steps: [ConversationScript.Step], _ repetition: ConversationScript.Repetition = .times(1)
    ) -> ConversationScript {
        ConversationScript(
            name: "t", steps: steps, repetition: repetition,
            languageModel: LanguageModelScriptTests.script)
    }

    static func turn(_ names: String...) -> ConversationScript.Turn {
        .init(clips: .named(names))
    }

    private func spoken(_ step: CallStep?) -> Int? {
        if case .say(let turn) = step { turn.clip } else { nil }
    }

    @Test func aCallKeepsItsVoice() throws {
        let plan = try ConversationPlan(
            Self.script([.say(Self.turn("a", "b")), .say(Self.turn("c"))], .times(20)),
            clips: Self.clips, seed: Seed(3))
        var voices: Set<String> = []
        for call in UInt32(0)..<20 {
            let speaker = plan.speakers[plan.speaker(of: call)]
            voices.insert(speaker)
            for index in 0..<40 {
                let clip = try #require(spoken(plan.step(call: call, index: index)))
                #expect(plan.clips[clip].speaker == speaker)
            }
            #expect(plan.step(call: call, index: 40) == nil)
        }
        #expect(voices == ["slt", "rms"])
    }

    @Test func anExactIdFixesTheVoice() throws {
        let plan = try ConversationPlan(
            Self.script([.say(Self.turn("a-rms"))]), clips: Self.clips, seed: Seed(3))
        for call in UInt32(0)..<10 {
            #expect(spoken(plan.step(call: call, index: 0)) == 1)
        }
    }

    @Test func aPoolUsesAllBeforeOneComesAgain() throws {
        let pool = ["a", "b", "c", "d"].map { Self.turn($0) }
        let plan = try ConversationPlan(
            Self.script([.pool(count: 3, of: pool), .wait(.constant(.seconds(1)))], .forever),
            clips: Self.clips, seed: Seed(9))
        #expect(plan.stepCount == nil)
        var orders: Set<[String]> = []
        for call in UInt32(0)..<30 {
            var said: [String] = []
            for index in 0..<64 {
                if let clip = spoken(plan.step(call: call, index: index)) {
                    said.append(plan.clips[clip].words)
                } else {
                    #expect(index % 4 == 3)
                }
            }
            #expect(said.count == 48)
            for round in 0..<12 {
                #expect(Set(said[round * 4..<round * 4 + 4]) == ["a", "b", "c", "d"])
            }
            orders.insert(said)
        }
        #expect(orders.count == 30)
    }

    @Test func theSameSeedSaysTheSame() throws {
        var turn = Self.turn("a", "b")
        turn.pause = .uniform(.milliseconds(200), .milliseconds(900))
        turn.bargeIn = .init(
            kind: .interruption, after: .uniform(.milliseconds(1), .seconds(1)),
            clips: .any(.interruption), then: .named(["c"]), chance: Chance(1, of: 2))
        let script = Self.script([.say(turn)], .times(50))
        func all(_ seed: UInt64) throws -> [CallStep?] {
            let plan = try ConversationPlan(script, clips: Self.clips, seed: Seed(seed))
            return (0..<50).map { plan.step(call: 5, index: $0) }
        }
        let (first, again, other) = (try all(1), try all(1), try all(2))
        #expect(first == again)
        #expect(first != other)
        let bargeIns = first.count {
            if case .say(let turn) = $0 { turn.bargeIn?.clip == 8 } else { false }
        }
        #expect((15...35).contains(bargeIns))
    }

    @Test func aMissingClipIsNamed() {
        let missing = ConversationPlan.missingClips(
            of: Self.script([
                .say(Self.turn("a", "add")), .say(.init(clips: .any(.noise))),
                .say(Self.turn("a-rns")),
            ]), in: Self.clips)
        #expect(missing.map(\.name) == ["add", "any noise", "a-rns"])
        #expect(missing.last?.nearest == "a-rms")
        #expect(throws: ConversationPlan.MissingClip.self) {
            try ConversationPlan(
                Self.script([.say(Self.turn("zzz"))]), clips: Self.clips, seed: Seed(1))
        }
    }

    @Test func aVariantKeepsWhatHasNoSuchVersion() {
        let corpus = [
            Self.clip("a", "slt"), Self.clip("a", "slt", variant: "cafe"), Self.clip("b", "slt"),
            Self.clip("b", "slt", variant: "low"), Self.clip("cough", "x", .noise),
        ]
        #expect(
            ClipSelection.clips(of: corpus, variant: "cafe")?.map(\.id)
                == ["a-slt-cafe", "b-slt", "cough-x"])
        #expect(ClipSelection.clips(of: corpus, variant: "street") == nil)
        #expect(ClipSelection.variants(of: corpus) == ["clean", "cafe", "low"])
        #expect(corpus[1].words == "a" && corpus[1].spokenWords == "a-slt")
    }

    @Test func clipsTravelAsJSON() throws {
        var clip = Self.clip("a", "slt", variant: "cafe")
        clip.innerPauses = [.milliseconds(620)..<(.milliseconds(760))]
        #expect(ClipDescription(json: try JSONParser.parse(clip.json.encoded())) == clip)
        #expect(ClipDescription(json: ["id": "x"]) == nil)
        #expect(ClipSelection.longestInnerPause(of: [clip]) == .milliseconds(140))
    }
}
