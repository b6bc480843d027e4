import Testing
import UproarAudio
import UproarCore

@testable import UproarLoad

@Suite struct SoundCheckTests {
    /// A voice of a kind: a tone of 150 Hz with overtones, 1.5 s, loud in the middle of each 200 ms.
    private static let voice: [Int16] = (0..<12_000).map { index in
        let phase = Double(index) * 150 / 8_000
        var value = 0.0
        for overtone in 1...8 {
            value += Self.sine(phase * Double(overtone)) / Double(overtone)
        }
        return Int16(value * 4_000 * Self.sine(Double(index % 1_600) / 3_200))
    }

    /// Of a share of a turn; accurate to a thousandth, and without a mathematics library.
    private static func sine(_ turns: Double) -> Double {
        let x = turns - turns.rounded(.down)
        let half = x < 0.5 ? x * 2 : x * 2 - 1
        let value = 16 * half * (1 - half) / (5 - 4 * half * (1 - half))
        return x < 0.5 ? value : -value
    }

    private static func bytes(_ samples: [Int16], swapped: Bool = false) -> [UInt8] {
        samples.flatMap { sample in
            let bits = UInt16(bitPattern: swapped ? sample.byteSwapped : sample)
            return [UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)]
        }
    }

    private static let muLaw = voice.map { G711.muLaw.encode($0) }

    private static let random: [UInt8] = {
        var stream = Seed(1).stream("noise")
        return (0..<12_000).map { _ in UInt8(truncatingIfNeeded: stream.next()) }
    }()

    static let sounds: [(String, [UInt8], SoundCheck.Finding?)] = [
        ("a voice", muLaw, nil),
        ("a voice in A-law", voice.map { G711.aLaw.encode($0) }, .alaw),
        ("silence", [UInt8](repeating: 0xff, count: 12_000), nil),
        ("16-bit samples", bytes(voice), .offset),
        ("the same in network order", bytes(voice, swapped: true), .offset),
        ("8-bit samples", voice.map { UInt8(truncatingIfNeeded: 128 + Int($0) / 256) }, .offset),
        ("zeros for silence", [UInt8](repeating: 0, count: 12_000), .offset),
        ("a compressed file", random, .noise),
    ]

    @Test(arguments: sounds) func whatIsNoMuLawIsFound(
        _ name: String, _ sound: [UInt8], _ finding: SoundCheck.Finding?
    ) {
        for size in [160, 320, 800, 12_000] {
            var check = SoundCheck()
            var found: [SoundCheck.Finding] = []
            var start = 0
            while start < sound.count {
                let end = min(start + size, sound.count)
                if let one = check.hear(sound.span.bytes.extracting(start..<end)) {
                    found.append(one)
                }
                start = end
            }
            #expect(found == (finding.map { [$0] } ?? []), "\(name) by \(size)")
            #expect(check.isOver == (name != "silence"), "\(name) by \(size)")
        }
    }

    @Test func aTagBeforeAWordIsNoNoise() {
        var check = SoundCheck()
        let tag = (0..<16).flatMap { AudioTag.toneFrame($0, rate: .telephone) }
        let sound = tag.map { G711.muLaw.encode($0) } + Self.muLaw
        #expect(check.hear(sound.span.bytes) == nil)
        #expect(check.isOver)
    }
}
