import UproarCore

/// Spoils the audio in a chunk: raw samples, or the base64 of them inside JSON. The chunk keeps its form.
package enum AudioDefects {
    package static func spoil(_ chunk: [UInt8], _ defect: AnswerShape.AudioDefect) -> [UInt8] {
        guard let run = base64Run(in: chunk) else { return spoiled(chunk, defect) }
        let digits = Array(chunk[run])
        var audio: [UInt8] = []
        guard Base64.decode(digits.span.bytes, into: &audio) else { return chunk }
        let changed = spoiled(audio, defect)
        var encoded: [UInt8] = []
        Base64.encode(changed.span.bytes, into: &encoded)
        return Array(chunk[..<run.lowerBound]) + encoded + chunk[run.upperBound...]
    }

    /// What becomes of the samples. Those of one byte are told by nobody: each defect makes sense for both widths.
    private static func spoiled(_ audio: [UInt8], _ defect: AnswerShape.AudioDefect) -> [UInt8] {
        switch defect {
        // The quietest mu-law and a very quiet PCM value alike.
        case .silence: return [UInt8](repeating: 0xff, count: audio.count)
        case .clipping: return audio.map { $0 & 0x80 == 0 ? 0x00 : 0x80 }
        case .swapped:
            var audio = audio
            for index in stride(from: 0, to: audio.count - 1, by: 2) {
                audio.swapAt(index, index + 1)
            }
            return audio
        case .halfRate:
            // Every sample twice: as long again, an octave lower.
            return audio.flatMap { [$0, $0] }
        case .noise:
            var random = RandomStream(state: UInt64(audio.count))
            return audio.map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
    }

    /// The longest run of base64 of at least 64 digits.
    private static func base64Run(in chunk: [UInt8]) -> Range<Int>? {
        var best: Range<Int>?
        var start: Int?
        for index in 0...chunk.count {
            let isInRun = index < chunk.count && isDigit(chunk[index])
            if isInRun, start == nil { start = index }
            if !isInRun, let begun = start {
                if index - begun >= 64, index - begun > best?.count ?? 0 { best = begun..<index }
                start = nil
            }
        }
        return best
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"),
            UInt8(ascii: "="):
            true
        default: false
        }
    }
}
