internal import Glibc
internal import UproarCore

/// Which of the 16 tones sounds, and how purely, in the last 20 ms; asked again every 2.5 ms.
///
/// Each block of 20 samples (2.5 ms at 8 kHz) is correlated once with all tones; eight blocks make a symbol, by a running
/// sum. That works because every tone repeats after 80 samples, so blocks share one phase reference, and it costs 32
/// multiply-adds a sample whatever the time resolution.
struct ToneMeter {
    /// Samples in a block; the meter always works at 8 kHz.
    static let blockSize = 20
    static let blocksPerSymbol = 8

    /// The verdict on one symbol-long window.
    struct Mark {
        /// The loudest tone.
        var tone: UInt8
        /// By how much of the window's whole energy it leads over the second loudest: 255 for a pure tone, near 0 for speech.
        var trust: UInt8
    }

    private var cosines = InlineArray<8, SIMD16<Float>>(repeating: .zero)
    private var sines = InlineArray<8, SIMD16<Float>>(repeating: .zero)
    private var energies = InlineArray<8, Float>(repeating: 0)
    private var cosine = SIMD16<Float>.zero
    private var sine = SIMD16<Float>.zero
    private var energy: Float = 0
    private var blockCount = 0
    private let table = ToneMeter.sharedTable

    mutating func reset() { self = ToneMeter() }

    /// Takes the next block of 20 samples and judges the window that ends with it (shorter than a symbol at first).
    ///
    /// `phase` is the block's place in the 10 ms period: block index modulo 4. `extra` is energy the samples no longer show,
    /// because it lay above what 8 kHz can carry.
    mutating func add(_ samples: UnsafePointer<Float>, phase: Int, extra: Float = 0) -> Mark {
        var cosineHere = SIMD16<Float>.zero
        var sineHere = SIMD16<Float>.zero
        var energyHere: Float = extra
        var row = table + phase * Self.blockSize * 2
        for index in 0..<Self.blockSize {
            let sample = samples[index]
            let spread = SIMD16<Float>(repeating: sample)
            cosineHere += row[0] * spread
            sineHere += row[1] * spread
            energyHere += sample * sample
            row += 2
        }
        return take(cosineHere, sineHere, energyHere)
    }

    /// The same as `add` with 20 zeros.
    mutating func addSilence(extra: Float = 0) -> Mark { take(.zero, .zero, extra) }

    @inline(__always)
    private mutating func take(
        _ cosineHere: SIMD16<Float>, _ sineHere: SIMD16<Float>, _ energyHere: Float
    ) -> Mark {
        let slot = blockCount & 7
        cosine += cosineHere - cosines[slot]
        sine += sineHere - sines[slot]
        energy += energyHere - energies[slot]
        cosines[slot] = cosineHere
        sines[slot] = sineHere
        energies[slot] = energyHere
        blockCount += 1
        return Self.mark(cosine * cosine + sine * sine, energy)
    }

    private static func mark(_ powers: SIMD16<Float>, _ energy: Float) -> Mark {
        guard energy > quietest else { return Mark(tone: 0, trust: 0) }
        let (loudest, second) = twoLoudest(powers)
        let tone = firstLane(of: powers, with: loudest)
        // A pure tone of amplitude A over L samples has |S|² = (A·L/2)² and energy A²·L/2.
        let share = (loudest - second) / (energy * Float(blockSize * blocksPerSymbol) / 2)
        return Mark(tone: UInt8(tone), trust: UInt8(max(0, min(255, share * 255))))
    }

    /// The lowest lane that holds `value`, without a branch for each, which would be guessed wrong: the tone changes all the time.
    @inline(__always)
    private static func firstLane(of powers: SIMD16<Float>, with value: Float) -> Int32 {
        let elsewhere = SIMD4<Int32>(repeating: 15)
        let places = SIMD4<Int32>(0, 1, 2, 3)
        let spread = SIMD4<Float>(repeating: value)
        let a = elsewhere.replacing(with: places, where: powers.lowHalf.lowHalf .== spread)
        let b = elsewhere.replacing(with: places &+ 4, where: powers.lowHalf.highHalf .== spread)
        let c = elsewhere.replacing(with: places &+ 8, where: powers.highHalf.lowHalf .== spread)
        let d = elsewhere.replacing(with: places &+ 12, where: powers.highHalf.highHalf .== spread)
        let ab = b.replacing(with: a, where: a .< b)
        let cd = d.replacing(with: c, where: c .< d)
        let all = cd.replacing(with: ab, where: ab .< cd)
        return min(min(all.x, all.y), min(all.z, all.w))
    }

    /// A tournament of four lanes at a time: of two pairs, the greater first is first, and the second is among the lesser first
    /// and both seconds.
    @inline(__always)
    private static func twoLoudest(_ powers: SIMD16<Float>) -> (first: Float, second: Float) {
        let a = powers.lowHalf.lowHalf
        let b = powers.lowHalf.highHalf
        let c = powers.highHalf.lowHalf
        let d = powers.highHalf.highHalf
        let ab = a .> b
        let cd = c .> d
        let firstAB = b.replacing(with: a, where: ab)
        let firstCD = d.replacing(with: c, where: cd)
        let all = firstAB .> firstCD
        let first = firstCD.replacing(with: firstAB, where: all)
        let lesser = firstAB.replacing(with: firstCD, where: all)
        let secondAB = a.replacing(with: b, where: ab)
        let secondCD = c.replacing(with: d, where: cd)
        let second = secondCD.replacing(with: secondAB, where: secondAB .> secondCD)
        let rest = second.replacing(with: lesser, where: lesser .> second)
        var loudest = first.x
        var next = max(max(rest.x, rest.y), max(rest.z, rest.w))
        next = max(next, min(first.y, loudest))
        loudest = max(loudest, first.y)
        next = max(next, min(first.z, loudest))
        loudest = max(loudest, first.z)
        next = max(next, min(first.w, loudest))
        loudest = max(loudest, first.w)
        return (loudest, next)
    }

    /// A window quieter than about −60 dBFS holds no tone worth naming.
    private static let quietest: Float = 160 * 33 * 33

    /// cos and sin of every tone for each of 80 samples; made once, never freed.
    private nonisolated(unsafe) static let sharedTable: UnsafePointer<SIMD16<Float>> = {
        let table = UnsafeMutablePointer<SIMD16<Float>>.allocate(capacity: 160)
        for sample in 0..<80 {
            var cosine = SIMD16<Float>.zero
            var sine = SIMD16<Float>.zero
            for tone in 0..<16 {
                let turn =
                    Double(AudioTag.frequency(of: tone).value * sample % 8_000) / 8_000
                cosine[tone] = Float(cos(2 * Double.pi * turn))
                sine[tone] = Float(sin(2 * Double.pi * turn))
            }
            (table + 2 * sample).initialize(to: cosine)
            (table + 2 * sample + 1).initialize(to: sine)
        }
        return UnsafePointer(table)
    }()
}
