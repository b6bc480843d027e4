internal import Glibc
internal import UproarCore

/// Makes a recording fit for a corpus: one loudness, short margins, no pause that an agent would take for the end.
package struct ClipShaper: Sendable {
    /// Silence kept before and after the speech.
    package var margin: Duration
    /// Inner pauses longer than this become `pause` long; nil leaves them.
    package var longestPause: Duration?
    package var pause: Duration
    /// RMS of the louder half of the recording, below full scale.
    package var decibels: Double

    package init(
        margin: Duration = .milliseconds(100), longestPause: Duration? = .milliseconds(250),
        pause: Duration = .milliseconds(200), decibels: Double = -20
    ) {
        self.margin = margin
        self.longestPause = longestPause
        self.pause = pause
        self.decibels = decibels
    }

    /// The shaped recording and where its speech is now; nil when it holds none.
    package func shape(_ sound: PCM) -> (sound: PCM, annotation: ClipAnnotation)? {
        var sound = leveled(sound)
        // A pause is what a telephone makes of it: a fricative above 4 kHz is silence there.
        guard let first = ClipAnnotator.annotate(sound, carriedAt: .telephone) else { return nil }
        sound = shortened(sound, first)
        guard let second = ClipAnnotator.annotate(sound) else { return nil }
        sound = trimmed(sound, second.speech)
        return ClipAnnotator.annotate(sound).map { (sound, $0) }
    }

    private func leveled(_ sound: PCM) -> PCM {
        let hop = max(1, sound.rate.value / 100)
        let powers = stride(from: 0, to: sound.samples.count, by: hop).map { start in
            let part = sound.samples[start..<min(start + hop, sound.samples.count)]
            return part.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(part.count)
        }.sorted()
        let louder = powers[(powers.count / 2)...]
        let power = louder.reduce(0, +) / Double(max(1, louder.count))
        let peak = sound.samples.reduce(0) { max($0, abs(Int($1))) }
        guard power > 0, peak > 0 else { return sound }
        let wanted = 32_768 * pow(10, decibels / 20)
        // Never above −1 dBFS.
        let gain = min(wanted / power.squareRoot(), 29_200 / Double(peak))
        return sound.scaled(by: Float(gain))
    }

    /// Takes the middle out of each long pause, with a 5 ms cross-fade over the cut.
    private func shortened(_ sound: PCM, _ annotation: ClipAnnotation) -> PCM {
        guard let longestPause else { return sound }
        let rate = sound.rate
        var samples = sound.samples
        for gap in annotation.innerPauses.reversed()
        where gap.upperBound - gap.lowerBound > longestPause {
            let from = rate.samples(in: gap.lowerBound + pause / 2)
            let to = rate.samples(in: gap.upperBound - pause / 2)
            let fade = min(rate.value / 200, samples.count - to, from)
            for index in 0..<fade {
                let share = Double(index + 1) / Double(fade + 1)
                let value =
                    Double(samples[from - fade + index]) * (1 - share)
                    + Double(samples[to - fade + index]) * share
                samples[from - fade + index] = Int16(value.rounded())
            }
            samples.removeSubrange(from..<to)
        }
        return PCM(rate: rate, samples: samples)
    }

    /// Cuts to the speech and its margins, adding silence where the recording is shorter; 5 ms fades at both ends.
    private func trimmed(_ sound: PCM, _ speech: Range<Duration>) -> PCM {
        let rate = sound.rate
        let margin = rate.samples(in: margin)
        let from = rate.samples(in: speech.lowerBound) - margin
        let to = rate.samples(in: speech.upperBound) + margin
        var samples = [Int16](repeating: 0, count: max(0, -from))
        samples += sound.samples[max(0, from)..<min(to, sound.samples.count)]
        samples += [Int16](repeating: 0, count: max(0, to - sound.samples.count))
        let fade = min(rate.value / 200, samples.count / 2)
        for index in 0..<fade {
            samples[index] = Int16(Int(samples[index]) * index / fade)
            let last = samples.count - 1 - index
            samples[last] = Int16(Int(samples[last]) * index / fade)
        }
        return PCM(rate: rate, samples: samples)
    }
}
