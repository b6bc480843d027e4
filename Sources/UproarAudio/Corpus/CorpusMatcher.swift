internal import UproarCore

/// Names speech that carries no tag, by comparing its loudness over time with that of every clip of a corpus.
///
/// Meant for what a recogniser hears between tags: interruptions and backchannels, which are never tagged. It knows only its
/// corpus; anything else gets no name.
package struct CorpusMatcher: Sendable {
    package struct Match: Hashable, Sendable {
        /// Index in the clips the matcher was made from.
        package var clip: Int
        /// 1 for the very recording, 0 at the limit beyond which nothing is named.
        package var confidence: Double
    }

    private struct Print: Sendable {
        var clip: Int
        var steps: [UInt8]
    }

    private let prints: [Print]

    /// Steps below the loudest that still count, 12 dB: what is quieter drowns in noise.
    private static let depth = 32
    /// By how many hops of 10 ms what was heard may start before (or, negative, after) the clip's own speech: it comes with 100 ms
    /// on either side, and noise is heard in the clip's margins too.
    private static let lead = -12...24
    /// The mean difference in steps (3/8 dB each) from which two envelopes are strangers. The 79 committed clips are found again
    /// by telephone, at 16 kHz, in café and street noise and 20 dB quieter at 1.5 or less; the nearest other word of half of
    /// them lies beyond 5.9, of one in twenty below 2.2 (single syllables and thumps).
    private static let strange = 2.0

    /// Compares with the clips' own annotated speech. Clips of other variants than `clean` add nothing and are left out.
    package init(_ clips: [AudioCorpus.Clip]) {
        prints = clips.enumerated().flatMap { index, clip -> [Print] in
            guard clip.description.variant == NoiseVariant.clean.rawValue else { return [] }
            // As it is and as a telephone carries it, each twice and half a hop apart: hops fall where they will.
            let phone = clip.sound.resampled(to: .telephone)
            let start = clip.description.speech.lowerBound
            let end = clip.description.speech.upperBound
            return [clip.sound, phone].flatMap { sound in
                (0..<2).compactMap { half in
                    let start = start + LevelDetector.hop * half / 2
                    let steps = Envelope.steps(of: sound.cut(start..<max(start, end)))
                    return steps.count < 6 ? nil : Print(clip: index, steps: Self.leveled(steps))
                }
            }
        }
    }

    /// The clip that sounds like `envelope` (`TagScanner.envelope(from:to:)`, from its onset to its end), or nil.
    package func match(_ envelope: [UInt8]) -> Match? {
        guard envelope.count >= 6 else { return nil }
        let heard = Self.leveled(envelope)
        var best: Int?
        var least = Self.strange
        for print in prints
        where (2 * Self.lead.lowerBound...2 * Self.lead.upperBound).contains(
            heard.count - print.steps.count)
        {
            for lead in Self.lead {
                guard
                    let difference = Self.difference(print.steps, heard, -lead, below: least)
                else { continue }
                best = print.clip
                least = difference
            }
        }
        return best.map { Match(clip: $0, confidence: 1 - least / Self.strange) }
    }

    /// Steps above the floor that lies `depth` below the loudest.
    private static func leveled(_ steps: [UInt8]) -> [UInt8] {
        let top = Int(steps.max() ?? 0)
        return steps.map { UInt8(max(0, Int($0) - top + depth)) }
    }

    /// The mean difference when `b` starts `shift` hops after `a`, or nil when it is not below `limit`; what one has and the
    /// other has not counts as silence.
    private static func difference(_ a: [UInt8], _ b: [UInt8], _ shift: Int, below limit: Double)
        -> Double?
    {
        let start = min(0, shift)
        let end = max(a.count, b.count + shift)
        let most = Int((limit * Double(end - start)).rounded(.up))
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                var sum = 0
                var index = start
                while index < end {
                    let other = index - shift
                    let left = index >= 0 && index < a.count ? Int(a[index]) : 0
                    let right = other >= 0 && other < b.count ? Int(b[other]) : 0
                    sum += abs(left - right)
                    if sum >= most { return nil }
                    index += 1
                }
                return Double(sum) / Double(end - start)
            }
        }
    }
}
