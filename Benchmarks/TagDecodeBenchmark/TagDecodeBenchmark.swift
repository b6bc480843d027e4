import Glibc
import UproarAudio
import UproarCore

/// How many audio tags survive each path (and that none survives garbling), and what a scanner costs per frame.
///
/// `TagDecodeBenchmark [TRIALS]`; 500 trials by default, two tags each.
@main
struct TagDecodeBenchmark {
    static func main() throws {
        let trials = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 500
        let speech = ["Add buy milk to my list.", "What are my tasks?", "Mark buy milk as done."]
            .flatMap { text in [Voice.slt, .rms].map { $0.render(text) } }
        var falseDecodes = 0
        print("path                               head      tail      wrong   mended  start off by")
        for path in AudioPath.intact() + AudioPath.garbled() {
            var tally = Tally()
            for trial in 0..<trials {
                var random = Seed(1).stream(text: path.name, UInt64(trial))
                try tally.run(path, speech[trial % speech.count], &random)
            }
            print(tally.line(path, trials))
            falseDecodes += tally.wrong
        }
        for cost in ScannerCost.all(speech[0]) { print(cost) }
        if falseDecodes > 0 {
            print("FALSE DECODES: \(falseDecodes)")
            exit(1)
        }
    }
}

/// What came of the trials of one path.
struct Tally {
    var heads = 0
    var tails = 0
    /// Tags decoded that nobody sent.
    var wrong = 0
    var mended = 0
    var starts = 0
    var farthestStart = 0

    mutating func run(_ path: AudioPath, _ speech: PCM, _ random: inout RandomStream) throws {
        let head = UInt32(truncatingIfNeeded: random.next())
        let tail = UInt32(truncatingIfNeeded: random.next())
        let lead = 3_200 + random.below(1_600)
        let rate = Hertz.wideband
        var sound = PCM(rate: rate, samples: [Int16](repeating: 0, count: lead))
        sound.samples += AudioTag(wire: head).sound(rate: rate).samples
        sound.samples += speech.samples
        sound.samples += AudioTag(wire: tail, kind: .tail).sound(rate: rate).samples
        sound.samples += [Int16](repeating: 0, count: 8_000)
        // The faint noise every line has.
        sound = AudioPath.withNoise(sound, amplitude: 20, &random)
        var scanner = TagScanner(path.format)
        let bytes = try path.carry(sound, &random)
        let size = path.format.encoding.bytesPerSample
        scanner.feed(bytes.span.bytes.extracting(0..<bytes.count / size * size)) { event in
            guard case .tagDecoded(let wire, let kind, let start, let mended) = event else {
                return
            }
            switch (kind, wire) {
            case (.head, head) where path.isIntact:
                heads += 1
                let expected = lead * path.format.rate.value / rate.value
                let off = abs(start - expected) * 1_000_000 / path.format.rate.value
                farthestStart = max(farthestStart, off)
                starts += off
            case (.tail, tail) where path.isIntact: tails += 1
            default: wrong += 1
            }
            self.mended += mended
        }
    }

    func line(_ path: AudioPath, _ trials: Int) -> String {
        func column(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        guard path.isIntact else {
            return column("garbled: " + path.name, 55) + column("\(wrong)", 8)
        }
        let milliseconds = NumberText.fixed(Double(starts) / Double(max(1, heads)) / 1_000, 2)
        let most = NumberText.fixed(Double(farthestStart) / 1_000, 2)
        return column(path.name, 35) + column("\(heads)/\(trials)", 10)
            + column("\(tails)/\(trials)", 10) + column("\(wrong)", 8)
            + column(NumberText.fixed(Double(mended) / Double(max(1, heads + tails)), 2), 8)
            + "\(milliseconds) ms, at most \(most) ms"
    }
}
