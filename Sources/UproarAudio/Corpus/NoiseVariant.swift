internal import Glibc
internal import UproarCore

/// What stands between a clean recording and a real telephone call; applied when a corpus is loaded.
///
/// The noise of a clip is a function of its id and the variant alone, so every run and machine hears the same.
package enum NoiseVariant: String, CaseIterable, Sendable {
    /// As recorded.
    case clean
    /// Several people talking at other tables, 15 dB below the speech.
    case cafe
    /// Traffic: a low rumble with passing vehicles, 12 dB below the speech.
    case street
    /// The speech alone, 20 dB quieter.
    case low

    package var summary: String {
        switch self {
        case .clean: "as recorded"
        case .cafe: "babble 15 dB below the speech"
        case .street: "traffic 12 dB below the speech"
        case .low: "20 dB quieter"
        }
    }

    /// `sound` in this surrounding. Where speech is stays where it was; noise fades in and out over 20 ms at the ends.
    package func applied(to sound: PCM, clip: String) -> PCM {
        var random = Seed(1).stream(text: "noise/\(rawValue)/\(clip)")
        switch self {
        case .clean: return sound
        case .low: return sound.scaled(by: 0.1)
        case .cafe:
            let noise = babble(sound.samples.count, sound.rate, &random)
            return mixed(sound, noise, decibelsBelow: 15)
        case .street:
            let noise = traffic(sound.samples.count, sound.rate, &random)
            return mixed(sound, noise, decibelsBelow: 12)
        }
    }

    private func mixed(_ sound: PCM, _ noise: [Double], decibelsBelow: Double) -> PCM {
        // The level of speech is that of its louder half, so that pauses do not make it quieter.
        let hop = max(1, sound.rate.value / 100)
        let powers = stride(from: 0, to: sound.samples.count, by: hop).map { start in
            let part = sound.samples[start..<min(start + hop, sound.samples.count)]
            return part.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(part.count)
        }.sorted()
        let louder = powers[(powers.count / 2)...]
        let speech = louder.reduce(0, +) / Double(max(1, louder.count))
        let power = noise.reduce(0.0) { $0 + $1 * $1 } / Double(max(1, noise.count))
        guard speech > 0, power > 0 else { return sound }
        let gain = (speech / power / pow(10, decibelsBelow / 10)).squareRoot()
        let fade = sound.rate.samplesPerFrame
        var samples = sound.samples
        for index in samples.indices {
            let edge = min(index, samples.count - 1 - index)
            let ramp = edge < fade ? Double(edge) / Double(fade) : 1
            let value = Double(samples[index]) + noise[index] * gain * ramp
            samples[index] = Int16(max(-32_768, min(32_767, value.rounded())))
        }
        return PCM(rate: sound.rate, samples: samples)
    }

    /// Eight talkers: noise through a resonance that wanders with each syllable, in and out at three to six syllables a second.
    private func babble(_ count: Int, _ rate: Hertz, _ random: inout RandomStream) -> [Double] {
        var sum = [Double](repeating: 0, count: count)
        for _ in 0..<8 {
            let strength = 0.3 + random.unit()
            var filter = Resonance(frequency: 500, width: 200, rate: rate)
            var index = 0
            while index < count {
                let length = Int(Double(rate.value) * (0.16 + 0.17 * random.unit()))
                let isPause = random.chance(1, 4)
                filter.retune(frequency: 300 + 1_800 * random.unit(), width: 150, rate: rate)
                for place in 0..<min(length, count - index) {
                    let envelope = sin(Double.pi * Double(place) / Double(length))
                    let value = filter.next(random.unit() * 2 - 1)
                    if !isPause { sum[index + place] += value * envelope * strength }
                }
                index += length
            }
        }
        return sum
    }

    /// A rumble below 200 Hz, a hiss of tyres that swells and fades over seconds, both above a steady floor.
    private func traffic(_ count: Int, _ rate: Hertz, _ random: inout RandomStream) -> [Double] {
        var low = 0.0
        var lower = 0.0
        var tyres = Resonance(frequency: 800, width: 900, rate: rate)
        let smoothing = 1 - exp(-2 * Double.pi * 200 / Double(rate.value))
        let period = Double(rate.value) * (1.5 + 2 * random.unit())
        let start = random.unit()
        return (0..<count).map { index in
            low += smoothing * (random.unit() * 2 - 1 - low)
            lower += smoothing * (low - lower)
            let swell = 0.5 - 0.5 * cos(2 * Double.pi * (Double(index) / period + start))
            return lower * 6 + tyres.next(random.unit() * 2 - 1) * (0.02 + 0.1 * swell * swell)
        }
    }
}

/// A two-pole resonance: what turns noise into something like a vowel.
private struct Resonance {
    private var first = 0.0
    private var second = 0.0
    private var gain = 0.0
    private var feedback = 0.0
    private var decay = 0.0

    init(frequency: Double, width: Double, rate: Hertz) {
        retune(frequency: frequency, width: width, rate: rate)
    }

    mutating func retune(frequency: Double, width: Double, rate: Hertz) {
        let radius = exp(-Double.pi * width / Double(rate.value))
        feedback = 2 * radius * cos(2 * Double.pi * frequency / Double(rate.value))
        decay = radius * radius
        gain = 1 - radius
    }

    mutating func next(_ input: Double) -> Double {
        let output = gain * input + feedback * first - decay * second
        second = first
        first = output
        return output
    }
}
