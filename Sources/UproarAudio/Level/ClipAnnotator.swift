package import UproarCore

/// Where somebody speaks in a recording: found once, stored with the clip.
package struct ClipAnnotation: Hashable, Sendable {
    /// First voiced sample to after the last voiced one, to the millisecond.
    package var speech: Range<Duration>
    /// Silences of 100 ms or more inside `speech`, in order.
    package var innerPauses: [Range<Duration>]

    package init(speech: Range<Duration>, innerPauses: [Range<Duration>]) {
        self.speech = speech
        self.innerPauses = innerPauses
    }

    package var longestPause: Duration {
        innerPauses.map { $0.upperBound - $0.lowerBound }.max() ?? .zero
    }
}

/// Finds speech in a recording that is there as a whole, by level against the recording's own noise.
///
/// Levels are taken per 10 ms. The *floor* is the level that a thirtieth of all hops stay below (a tenth would be speech in a
/// clip with short margins), *loud* the level that a twentieth exceed. A hop is voiced above floor + 9 dB, held within loud − 30 dB … loud − 10 dB and above −55 dBFS. Speech begins with the
/// first hop of a run with 60 ms voiced within 100 ms and ends likewise seen from the other side. What is voiced in the 150 ms
/// after that is the release of a final stop (the *t* of "list" comes up to 120 ms after its *s*) and still speech. Both ends
/// are then moved to the millisecond whose level is above the same limit.
///
/// 30 dB below the loud level speech falls by 5 dB or more in 10 ms, so its end is well defined; at 40 dB the tails of nasals
/// and fricatives make it a matter of taste, by up to 200 ms.
package enum ClipAnnotator {
    /// The least silence that counts as an inner pause.
    package static let leastPause = Duration.milliseconds(100)
    /// So many hops after the speech the release of a final stop may come.
    private static let releaseHops = 15

    /// Where somebody speaks in `sound` once it is carried at `rate`: what a telephone cuts off, such as a final *s* that lies
    /// above 4 kHz, is not heard at the other end and no longer speech.
    package static func annotate(_ sound: PCM, carriedAt rate: Hertz) -> ClipAnnotation? {
        annotate(rate.value < sound.rate.value ? sound.resampled(to: rate) : sound)
    }

    /// Nil when nothing in `sound` is loud enough to be speech.
    package static func annotate(_ sound: PCM) -> ClipAnnotation? {
        let hopCount = (sound.samples.count * 100 + sound.rate.value - 1) / sound.rate.value
        let levels = (0..<hopCount).map { power(sound, milliseconds: 10 * $0..<10 * $0 + 10) }
        guard let limit = limit(levels) else { return nil }
        let voiced = levels.map { $0 > limit }
        guard let first = onset(voiced), let back = onset(voiced.reversed()) else { return nil }
        var last = voiced.count - 1 - back
        guard first <= last else { return nil }
        let after = last + 1..<min(last + 1 + releaseHops, voiced.count)
        last = after.last { voiced[$0] } ?? last

        let start = refine(sound, hop: first, limit, fromEnd: false)
        let end = refine(sound, hop: last, limit, fromEnd: true)
        var pauses: [Range<Duration>] = []
        var quietFrom: Int?
        for index in first...last {
            if voiced[index] {
                if let from = quietFrom, index - from >= 10 {
                    pauses.append(.milliseconds(10 * from)..<Duration.milliseconds(10 * index))
                }
                quietFrom = nil
            } else if quietFrom == nil {
                quietFrom = index
            }
        }
        return ClipAnnotation(speech: start..<end, innerPauses: pauses)
    }

    private static func power(_ sound: PCM, milliseconds range: Range<Int>) -> Double {
        let from = min(range.lowerBound * sound.rate.value / 1_000, sound.samples.count)
        let to = min(range.upperBound * sound.rate.value / 1_000, sound.samples.count)
        var sum = 0.0
        for index in from..<to {
            sum += Double(sound.samples[index]) * Double(sound.samples[index])
        }
        return sum / Double(max(1, to - from))
    }

    /// The mean square that separates voice from silence; nil for a recording that is silent throughout.
    private static func limit(_ levels: [Double]) -> Double? {
        let sorted = levels.sorted()
        guard let loudest = sorted.last else { return nil }
        let floor = sorted[sorted.count / 30]
        let loud = sorted[min(sorted.count - 1, sorted.count * 19 / 20)]
        let least = 32_768.0 * 32_768 * 3.16e-6
        guard loudest > least else { return nil }
        let limit = min(max(floor * 7.94, loud * 1e-3), loud * 0.1)
        return max(limit, least)
    }

    /// The first voiced hop that starts a run with six voiced of ten.
    private static func onset(_ voiced: [Bool]) -> Int? {
        voiced.indices.first { index in
            voiced[index] && voiced[index..<min(index + 10, voiced.count)].count { $0 } >= 6
        }
    }

    /// The first or the end of the last millisecond of a hop above the limit.
    private static func refine(
        _ sound: PCM, hop: Int, _ limit: Double, fromEnd: Bool
    ) -> Duration {
        let parts = (10 * hop..<10 * hop + 10).map {
            power(sound, milliseconds: $0..<$0 + 1) > limit
        }
        let part = fromEnd ? (parts.lastIndex(of: true) ?? 9) + 1 : parts.firstIndex(of: true) ?? 0
        return min(.milliseconds(hop * 10 + part), sound.duration)
    }
}
