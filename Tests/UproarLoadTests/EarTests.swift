import Testing
import UproarAudio
import UproarCore

@testable import UproarLoad

private func at(_ ms: Int64) -> Instant { Instant(nanoseconds: ms * 1_000_000) }

/// Speech-like noise, loud enough for every detector.
private func voice(_ ms: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = RandomStream(state: seed)
    var last = 0.0
    let samples = (0..<ms * 8).map { _ -> Int16 in
        last = 0.9 * last + random.gaussian() * 900
        return Int16(max(-20_000, min(20_000, last)))
    }
    var bytes: [UInt8] = []
    G711.muLaw.encode(samples.span, into: &bytes)
    return bytes
}

private func tag(_ bits: UInt32, _ kind: AudioTag.Kind) -> [UInt8] {
    var bytes: [UInt8] = []
    for tone in AudioTag.symbols(for: bits, kind: kind) {
        G711.muLaw.encode(AudioTag.toneFrame(Int(tone), rate: .telephone).span, into: &bytes)
    }
    return bytes
}

extension Ear {
    /// Hears `bytes` in pieces of 20 ms that arrive and play from `start` on; then passes `silence`; returns what was heard.
    fileprivate mutating func play(_ bytes: [UInt8], from start: Int64, thenUntil end: Int64)
        -> [EarEvent]
    {
        var heard: [EarEvent] = []
        var time = start
        for offset in stride(from: 0, to: bytes.count, by: 160) {
            let piece = Array(bytes[offset..<min(offset + 160, bytes.count)])
            hear(piece.span.bytes, playsAt: at(time), arrivedAt: at(time))
            time += Int64(piece.count / 8)
            while let event = next(by: at(time)) { heard.append(event) }
        }
        while time < end {
            time += 20
            if at(time) >= nextEventAt {
                while let event = next(by: at(time)) { heard.append(event) }
            }
        }
        return heard
    }
}

@Suite struct EarTests {
    private func near(_ time: Instant, _ ms: Int64, within: Int64 = 20) -> Bool {
        abs(time.nanoseconds - ms * 1_000_000) <= within * 1_000_000
    }

    @Test func speechIsHeardFromItsFirstLoudSampleToItsLast() {
        var ear = Ear(format: .telephone)
        ear.begin(at: at(1000))
        let heard = ear.play(voice(800), from: 3000, thenUntil: 5000)
        guard case .audible(let start, let wire) = heard.first, case .silent(let end) = heard.last
        else {
            Issue.record("heard \(heard)")
            return
        }
        #expect(heard.count == 2)
        #expect(near(start, 3000) && near(end, 3800))
        #expect(wire >= start)
    }

    @Test func aTaggedReplyNamesItsBeginningAndItsEnd() {
        var ear = Ear(format: .telephone)
        ear.begin(at: .zero)
        let reply = tag(0xdead_beef, .head) + voice(1000) + tag(0xdead_beef, .tail)
        let heard = ear.play(reply, from: 500, thenUntil: 4000)
        var head: Instant?
        var tail: Instant?
        for event in heard {
            if case .head(0xdead_beef, let time, _) = event { head = time }
            if case .tail(0xdead_beef, let time, _) = event { tail = time }
        }
        #expect(head.map { near($0, 500) } == true)
        #expect(tail.map { near($0, 2300) } == true)
    }

    @Test func audioSentAheadIsHeardWhenItPlays() {
        var ear = Ear(format: .telephone)
        ear.begin(at: .zero)
        // Two seconds arrive at once and play from 1,000 ms on.
        ear.hear(voice(2000).span.bytes, playsAt: at(1000), arrivedAt: at(900))
        #expect(ear.next(by: at(990)) == nil)
        guard case .audible(let start, let wire) = ear.next(by: at(1100)) else {
            Issue.record("nothing audible")
            return
        }
        #expect(near(start, 1000))
        #expect(wire == at(900))
        #expect(ear.next(by: at(2900)) == nil)
    }

    @Test func whatAClearCutsOffIsNeverHeard() {
        var ear = Ear(format: .telephone)
        ear.begin(at: .zero)
        let reply = voice(1000) + tag(7, .tail)
        ear.hear(reply.span.bytes, playsAt: at(100), arrivedAt: at(100))
        #expect(ear.next(by: at(300)) != nil)
        #expect(ear.clear(at: at(600)) == .milliseconds(900))
        #expect(ear.next(by: at(620)) == .silent(at: at(600)))
        #expect(ear.next(by: at(5000)) == nil)
    }

    @Test func speechAfterAClearIsHeardAtItsOwnTime() {
        var ear = Ear(format: .telephone)
        ear.begin(at: .zero)
        ear.hear(voice(2000).span.bytes, playsAt: at(100), arrivedAt: at(100))
        _ = ear.next(by: at(300))
        _ = ear.clear(at: at(600))
        _ = ear.next(by: at(620))
        let heard = ear.play(voice(500, seed: 9), from: 1500, thenUntil: 3000)
        guard case .audible(let start, _) = heard.first else {
            Issue.record("heard \(heard)")
            return
        }
        #expect(near(start, 1500))
    }

    @Test func aShortDryRunInMidSpeechIsAGapAndALongOneIsSilence() {
        var ear = Ear(format: .telephone)
        ear.begin(at: .zero)
        var heard = ear.play(voice(600), from: 100, thenUntil: 100)
        heard += ear.play(voice(600, seed: 2), from: 820, thenUntil: 3000)
        let gaps = heard.compactMap { event -> Duration? in
            if case .gap(_, let length) = event { length } else { nil }
        }
        #expect(gaps == [.milliseconds(120)])
        #expect(heard.count { if case .silent = $0 { true } else { false } } == 1)
    }

    /// A busy agent sends a tag in two pieces: it is decoded, and both what is before the gap and what is after keep their times.
    @Test(arguments: [20, 60, 100, 180])
    func aTornTagIsWholeAgain(gap: Int) {
        var ear = Ear(format: .telephone)
        ear.begin(at: .zero)
        let bytes = tag(0xcafe_f00d, .head) + voice(600) + tag(0xcafe_f00d, .tail)
        let cut = 120 * 8
        var heard = ear.play(Array(bytes[..<cut]), from: 100, thenUntil: 220 + Int64(gap) - 20)
        heard += ear.play(Array(bytes[cut...]), from: 220 + Int64(gap), thenUntil: 4000)
        let heads = heard.compactMap { event -> Instant? in
            if case .head(0xcafe_f00d, let at, _) = event { at } else { nil }
        }
        let tails = heard.compactMap { event -> Instant? in
            if case .tail(0xcafe_f00d, let at, _) = event { at } else { nil }
        }
        let length = Int64(bytes.count / 8)
        #expect(heads.count == 1 && near(heads[0], 100))
        #expect(tails.count == 1 && near(tails[0], 100 + length + Int64(gap)))
        let audible = heard.compactMap { event -> Instant? in
            if case .audible(let at, _) = event { at } else { nil }
        }
        #expect(audible.count == 1 && near(audible[0], 100))
    }
}
