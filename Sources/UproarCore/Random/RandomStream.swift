/// The seed of a run. Everything random comes from a stream of it, asked for by label and index, so that
/// one more draw in one place moves nobody else's.
package struct Seed: Hashable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) { self.value = value }

    /// The stream of one label and one or two indices (call id, utterance, connection ordinal, …).
    package func stream(_ label: StaticString, _ index: UInt64 = 0, _ second: UInt64 = 0)
        -> RandomStream
    {
        RandomStream(state: key(label, index, second))
    }

    /// A stateless draw: the same for the same label and indices, whatever happened before.
    package func key(_ label: StaticString, _ index: UInt64 = 0, _ second: UInt64 = 0) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        label.withUTF8Buffer { for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
        var mixed = RandomStream.mix(value ^ hash)
        mixed = RandomStream.mix(mixed ^ RandomStream.mix(index &+ 0x9e37_79b9_7f4a_7c15))
        return RandomStream.mix(mixed ^ RandomStream.mix(second &+ 0xd1b5_4a32_d192_ed03))
    }

    /// The same with a label known only at run time (a fault id, a provider name).
    package func key(text label: String, _ index: UInt64 = 0, _ second: UInt64 = 0) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        var mixed = RandomStream.mix(value ^ hash)
        mixed = RandomStream.mix(mixed ^ RandomStream.mix(index &+ 0x9e37_79b9_7f4a_7c15))
        return RandomStream.mix(mixed ^ RandomStream.mix(second &+ 0xd1b5_4a32_d192_ed03))
    }

    package func stream(text label: String, _ index: UInt64 = 0, _ second: UInt64 = 0)
        -> RandomStream
    {
        RandomStream(state: key(text: label, index, second))
    }
}

/// A deterministic stream of random numbers (SplitMix64; Steele, Lea, Flood 2014). A value: copying it repeats it.
package struct RandomStream: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mix(state)
    }

    /// Uniform in 0 ..< bound, without bias. `bound` must be positive.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "a draw below \(bound) has no answer")
        let bound = UInt64(bound)
        while true {
            let (high, low) = next().multipliedFullWidth(by: bound)
            if low >= bound || low >= (0 &- bound) % bound { return Int(high) }
        }
    }

    /// Uniform in [0, 1): 53 random bits.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// True once in `of / numerator`, as a ratio: `chance(1, 200)`.
    package mutating func chance(_ numerator: UInt64, _ of: UInt64) -> Bool {
        precondition(of > 0)
        return UInt64(below(Int(of))) < numerator
    }

    /// The murmur3-style finaliser of SplitMix64: every input bit reaches every output bit.
    package static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
