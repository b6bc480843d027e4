import Testing
import UproarAudio
import UproarCore

@Suite struct CorpusMatcherTests {
    private static let words: [(String, Voice)] = [
        ("Stop.", .slt), ("Stop.", .rms), ("Wait.", .slt), ("Hold on.", .slt), ("Hold on.", .awb),
        ("Uh huh.", .slt), ("Okay.", .rms), ("No, wait.", .rms), ("What are my tasks?", .slt),
    ]

    private static let corpus = AudioCorpus(
        name: "words",
        clips: words.enumerated().map { index, word in
            let shaped = ClipShaper().shape(word.1.render(word.0))!
            return AudioCorpus.Clip(
                description: ClipDescription(
                    id: "\(index)", file: "\(index).flac", transcript: word.0,
                    speech: shaped.annotation.speech),
                sound: shaped.sound)
        })

    private static let matcher = CorpusMatcher(corpus.clips)

    /// What a recogniser makes of `bytes`: the match of each stretch of speech in it.
    private func matches(_ bytes: [UInt8], _ format: AudioFormat) -> [CorpusMatcher.Match?] {
        var scanner = TagScanner(format, keepsEnvelope: true)
        var stretches: [(Int, Int)] = []
        var start = 0
        scanner.feed(bytes.span.bytes) { event in
            switch event {
            case .speechStarted(let at): start = at
            case .speechEnded(let at): stretches.append((start, at))
            case .tagDecoded: break
            }
        }
        return stretches.map { Self.matcher.match(scanner.envelope(from: $0.0, to: $0.1)) }
    }

    private func surrounded(_ sound: PCM, lead: Int) -> PCM {
        PCM(
            rate: sound.rate,
            samples: [Int16](repeating: 0, count: lead) + sound.samples
                + [Int16](repeating: 0, count: sound.rate.value / 2))
    }

    @Test(arguments: [(AudioFormat.telephone, 37), (.browser, 1_234)])
    func everyClipIsNamedWhateverItsFormatAndPlace(format: AudioFormat, lead: Int) {
        for (index, clip) in Self.corpus.clips.enumerated() {
            let found = matches(surrounded(clip.sound, lead: lead).encoded(as: format), format)
            #expect(found.first??.clip == index, "\(clip.description.transcript)")
            #expect(found.first??.confidence ?? 0 > 0.15)
        }
    }

    @Test(arguments: [NoiseVariant.cafe, .street, .low])
    func noiseDoesNotHideThem(variant: NoiseVariant) {
        var right = 0
        for (index, clip) in Self.corpus.clips.enumerated() {
            let noisy = variant.applied(to: clip.sound, clip: clip.description.id)
            let found = matches(surrounded(noisy, lead: 100).encoded(as: .telephone), .telephone)
            if found.first??.clip == index { right += 1 }
        }
        #expect(right >= Self.corpus.clips.count - 1)
    }

    @Test func strangersGetNoName() {
        var named = 0
        let strangers = [
            "Stop it right now.", "Perhaps.", "The weather is fine.", "Delete everything.",
            "Seven.",
            "Thank you very much.", "Why?", "I would rather not say.",
        ]
        for text in strangers {
            let sound = surrounded(ClipShaper().shape(Voice.kal16.render(text))!.sound, lead: 50)
            named += matches(sound.encoded(as: .telephone), .telephone).count { $0 != nil }
        }
        #expect(named <= 1)
    }

    @Test func nothingMatchesNothing() {
        let matcher = Self.matcher
        #expect(matcher.match([]) == nil)
        #expect(matcher.match([UInt8](repeating: 200, count: 900)) == nil)
        #expect(CorpusMatcher([]).match([UInt8](repeating: 200, count: 60)) == nil)
    }

    @Test func aResetScannerIsANewOne() {
        let sound = surrounded(Self.corpus.clips[0].sound, lead: 77).encoded(as: .telephone)
        var used = TagScanner(.telephone, keepsEnvelope: true)
        var first: [TagScanner.Event] = []
        used.feed(sound.span.bytes) { _ in }
        used.feed(sound.span.bytes.extracting(0..<3_000)) { _ in }
        used.reset()
        used.feed(sound.span.bytes) { first.append($0) }
        var fresh = TagScanner(.telephone, keepsEnvelope: true)
        var second: [TagScanner.Event] = []
        fresh.feed(sound.span.bytes) { second.append($0) }
        #expect(first == second)
        #expect(used.position == fresh.position)
        #expect(used.envelope(from: 0, to: 4_000) == fresh.envelope(from: 0, to: 4_000))
    }
}
