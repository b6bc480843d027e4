import Testing
import UproarAudio
import UproarCore

@Suite struct TagScannerTests {
    private let format = AudioFormat.telephone

    private func noise(_ milliseconds: Int, amplitude: Int = 3_000, seed: UInt64 = 1) -> [Int16] {
        var random = Seed(seed).stream("noise")
        return (0..<milliseconds * 8).map { _ in Int16(random.below(2 * amplitude) - amplitude) }
    }

    private func silence(_ milliseconds: Int) -> [Int16] {
        [Int16](repeating: 0, count: milliseconds * 8)
    }

    private func tag(_ wire: UInt32, _ kind: AudioTag.Kind = .head) -> [Int16] {
        AudioTag(wire: wire, kind: kind).sound(rate: .telephone).samples
    }

    private func codes(_ samples: [Int16]) -> [UInt8] {
        var codes: [UInt8] = []
        G711.muLaw.encode(samples.span, into: &codes)
        return codes
    }

    private func events(_ samples: [Int16], chunk: Int = 160, findsTails: Bool = true)
        -> [TagScanner.Event]
    {
        var scanner = TagScanner(format, findsTails: findsTails)
        var events: [TagScanner.Event] = []
        let codes = codes(samples)
        for start in stride(from: 0, to: codes.count, by: chunk) {
            let part = codes[start..<min(start + chunk, codes.count)]
            scanner.feed(part.span.bytes) { events.append($0) }
        }
        #expect(scanner.position == samples.count)
        return events
    }

    /// ```
    /// ____HHHH~~~~~~~~TTTT______
    /// ```
    @Test func aTaggedReplyIsHeardWhole() throws {
        let sound = silence(500) + tag(1) + noise(1_500) + tag(2, .tail) + silence(500)
        let events = events(sound)
        guard events.count == 4 else {
            Issue.record("\(events)")
            return
        }
        guard case .speechStarted(let start) = events[0],
            case .tagDecoded(1, .head, let head, 0) = events[1],
            case .tagDecoded(2, .tail, let tail, 0) = events[2],
            case .speechEnded(let end) = events[3]
        else {
            Issue.record("\(events)")
            return
        }
        #expect(abs(start - 4_000) <= 8)
        #expect(abs(head - 4_000) <= 8)
        #expect(abs(tail - (4_000 + 1_900 * 8)) <= 8)
        #expect(abs(end - (4_000 + 2_300 * 8)) <= 8)
    }

    @Test(arguments: [1, 7, 80, 160, 400, 1_001, 40_000])
    func theCutOfTheInputDoesNotShow(chunk: Int) {
        let sound =
            silence(333) + tag(5) + noise(700) + silence(120) + tag(6) + noise(300)
            + tag(7, .tail) + silence(450)
        #expect(events(sound, chunk: chunk) == events(sound))
        #expect(events(sound).count == 5)
    }

    @Test func aPauseInsideSpeechDoesNotEndItAndMayBeFollowedByATag() {
        let filler = silence(300) + noise(600) + silence(150) + tag(9) + noise(500) + silence(400)
        let kinds = events(filler).map { event in
            switch event {
            case .speechStarted: "start"
            case .tagDecoded(let wire, _, _, _): "tag \(wire)"
            case .speechEnded: "end"
            }
        }
        #expect(kinds == ["start", "tag 9", "end"])
    }

    /// Three quarters of a symbol before these tags, three sync symbols match and the rest can be mended to another word.
    @Test(arguments: [1_192_265_192, 4_285_823_737, 635_439_993, 4_063_287_181] as [UInt32])
    func whatCouldBeMendedBesideATagIsNotTakenForIt(wire: UInt32) {
        let decoded = events(silence(200) + tag(wire) + noise(1_000) + silence(500)).compactMap {
            if case .tagDecoded(let wire, .head, let start, let mended) = $0 {
                [Int(wire), start, mended]
            } else {
                nil
            }
        }
        #expect(decoded == [[Int(wire), 1_600, 0]])
    }

    @Test func aTagIsNotLookedForInTheMiddleOfSpeech() {
        let sound = silence(300) + noise(1_000) + tag(9) + noise(1_500) + silence(400)
        #expect(events(sound).count == 2)
    }

    /// 50 ms voiced within 100 ms is a click, 60 ms is an onset.
    @Test func clicksAreNotSpeech() {
        #expect(events(silence(300) + noise(50) + silence(600)).isEmpty)
        #expect(events(silence(300) + noise(60) + silence(600)).count == 2)
        #expect(
            events(silence(300) + noise(30) + silence(40) + noise(30) + silence(600)).count == 2)
        #expect(
            events(silence(300) + noise(30) + silence(50) + noise(30) + silence(600)).isEmpty)
    }

    @Test func aSteadyHumBecomesSilence() {
        let hum = noise(6_000, amplitude: 500)
        let quiet = events(hum)
        // Heard as speech until the floor is learnt, and never again.
        #expect(quiet.count <= 2)
        var speech = hum
        for (index, sample) in tag(3).enumerated() { speech[24_000 + index] += sample }
        for (index, sample) in noise(1_000, seed: 2).enumerated() {
            speech[27_200 + index] += sample
        }
        let heard = events(speech).dropFirst(quiet.count)
        #expect(heard.count == 3)
        guard case .speechStarted(let at)? = heard.first else { return }
        #expect(abs(at - 24_000) <= 80)
        #expect(heard.contains { if case .tagDecoded(3, .head, _, _) = $0 { true } else { false } })
    }

    @Test func silenceCountedIsSilenceFed() {
        let sound = tag(3) + noise(400) + tag(4, .tail)
        var counted = TagScanner(format)
        var fed = TagScanner(format)
        var first: [TagScanner.Event] = []
        var second: [TagScanner.Event] = []
        for gap in [1, 79, 333, 4_000, 50_001] {
            counted.feedSilence(gap) { first.append($0) }
            counted.feed(codes(sound).span.bytes) { first.append($0) }
            fed.feed(codes(silence(0) + [Int16](repeating: 0, count: gap)).span.bytes) {
                second.append($0)
            }
            fed.feed(codes(sound).span.bytes) { second.append($0) }
        }
        #expect(first == second)
        #expect(first.count >= 10)
        #expect(counted.position == fed.position)
    }

    /// Mu-law has two codes of zero, of which one is known as silence without a look at each sample.
    @Test func bothZerosOfMuLawAreSilence() {
        let sound = codes(tag(3) + noise(400) + tag(4, .tail))
        func heard(_ zero: UInt8) -> [TagScanner.Event] {
            var scanner = TagScanner(format)
            var events: [TagScanner.Event] = []
            for gap in [333, 20, 4_000, 8_001] {
                scanner.feed([UInt8](repeating: zero, count: gap).span.bytes) { events.append($0) }
                scanner.feed(sound.span.bytes) { events.append($0) }
            }
            scanner.feed([UInt8](repeating: zero, count: 8_000).span.bytes) { events.append($0) }
            return events
        }
        #expect(heard(0xff) == heard(0x7f))
        #expect(heard(0xff).count >= 12)
    }

    @Test(arguments: [AudioEncoding.mulaw, .alaw, .linear16], [8_000, 16_000, 24_000])
    func everyFormatGivesTheSameEvents(encoding: AudioEncoding, rate: Int) {
        let rate = Hertz(rate)
        let factor = rate.value / 8_000
        var random = Seed(9).stream("formats")
        let body = (0..<rate.value).map { _ in Int16(random.below(6_000) - 3_000) }
        let gap = [Int16](repeating: 0, count: rate.value / 2)
        let sound =
            gap + AudioTag(wire: 21).sound(rate: rate).samples + body
            + AudioTag(wire: 22, kind: .tail).sound(rate: rate).samples + gap
        var bytes: [UInt8] = []
        switch encoding {
        case .mulaw: G711.muLaw.encode(sound.span, into: &bytes)
        case .alaw: G711.aLaw.encode(sound.span, into: &bytes)
        case .linear16:
            for sample in sound {
                bytes.append(UInt8(truncatingIfNeeded: sample))
                bytes.append(UInt8(truncatingIfNeeded: sample >> 8))
            }
        }
        var scanner = TagScanner(AudioFormat(encoding, rate))
        var events: [TagScanner.Event] = []
        scanner.feed(bytes.span.bytes) { events.append($0) }
        #expect(events.count == 4)
        guard case .speechStarted(let at)? = events.first else { return }
        #expect(abs(at / factor - 4_000) <= 10)
        #expect(
            events.contains { if case .tagDecoded(21, .head, _, 0) = $0 { true } else { false } })
        #expect(
            events.contains { if case .tagDecoded(22, .tail, _, 0) = $0 { true } else { false } })
    }

    @Test func anythingMayBeFed() {
        var random = Seed(13).stream("bytes")
        for encoding in AudioEncoding.allCases {
            var scanner = TagScanner(AudioFormat(encoding, .wideband))
            for _ in 0..<40 {
                let bytes = (0..<2 * random.below(700)).map { _ in
                    UInt8(truncatingIfNeeded: random.next())
                }
                scanner.feed(bytes.span.bytes) { event in
                    if case .tagDecoded = event { Issue.record("noise decoded: \(event)") }
                }
            }
        }
    }

    /// Who never asks for tail tags hears everything else just the same.
    @Test func withoutTailsAllElseIsTheSame() {
        var samples: [Int16] = silence(300)
        for turn in 0..<12 {
            samples += tag(UInt32(turn) &* 0x9e37_79b9) + noise(300 + 70 * turn, seed: UInt64(turn))
            samples += silence(120 + 10 * turn) + noise(200, seed: 99)
            samples += tag(UInt32(turn) &* 0x85eb_ca6b, .tail) + silence(500)
        }
        let all = events(samples)
        let heads = all.filter {
            if case .tagDecoded(_, .tail, _, _) = $0 { false } else { true }
        }
        #expect(heads.count < all.count)
        #expect(events(samples, findsTails: false) == heads)
    }
}
