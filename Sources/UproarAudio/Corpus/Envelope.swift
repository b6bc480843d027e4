internal import UproarCore

/// How loud sound is, 10 ms by 10 ms, in steps of 3/8 dB: 0 is a mean square of 1, 240 is full scale.
package enum Envelope {
    /// The step of a mean square: eight times its binary logarithm, from the exponent and the first bits of the fraction.
    static func step(_ power: Float) -> UInt8 {
        power < 1 ? 0 : UInt8(min(255, (power.bitPattern >> 20) - (127 << 3)))
    }

    /// The envelope of `sound`; what is left after the last whole 10 ms is left out.
    static func steps(of sound: PCM) -> [UInt8] {
        let hop = sound.rate.value / 100
        guard hop > 0 else { return [] }
        return (0..<sound.samples.count / hop).map { index in
            var sum: Float = 0
            for place in index * hop..<(index + 1) * hop {
                let sample = Float(sound.samples[place])
                sum += sample * sample
            }
            return step(sum / Float(hop))
        }
    }
}
