/// The name of one utterance, or of one reply to it: 18 bits call, 8 bits utterance, 6 bits reply (0 = the utterance itself).
///
/// On the wire (as a tag in audio, as two words in text) it travels permuted under the run's key, so that references of
/// another run, and noise that happens to decode, fall outside the plan with high probability.
package struct TurnReference: Hashable, Sendable {
    package var rawValue: UInt32

    package static let callLimit: UInt32 = 1 << 18
    package static let utteranceLimit: UInt32 = 1 << 8
    package static let replyLimit: UInt32 = 1 << 6

    /// No turn's: marks the words by which an agent goes on with a call that dropped. No run has so many calls.
    package static let resumption = TurnReference(
        call: callLimit - 1, utterance: utteranceLimit - 1, reply: replyLimit - 1)

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// `utterance` counts from 1 within the call, so that no reference is 0.
    package init(call: UInt32, utterance: UInt32, reply: UInt32 = 0) {
        precondition(call < Self.callLimit, "call \(call) does not fit 18 bits")
        precondition(
            utterance > 0 && utterance < Self.utteranceLimit,
            "utterance \(utterance) is not in 1...255")
        precondition(reply < Self.replyLimit, "reply \(reply) does not fit 6 bits")
        rawValue = call << 14 | utterance << 6 | reply
    }

    package var call: UInt32 { rawValue >> 14 }
    package var utterance: UInt32 { rawValue >> 6 & 0xff }
    package var reply: UInt32 { rawValue & 0x3f }
    /// The utterance this belongs to.
    package var asUtterance: TurnReference { TurnReference(rawValue: rawValue & ~0x3f) }

    package func with(reply: UInt32) -> TurnReference {
        precondition(reply < Self.replyLimit)
        return TurnReference(rawValue: rawValue & ~0x3f | reply)
    }
}

/// The keyed permutation between a plain reference and its form on the wire: a four-round Feistel network over 32 bits.
package struct ReferenceKey: Hashable, Sendable {
    private var rounds: (UInt32, UInt32, UInt32, UInt32)
    package let seed: Seed

    package init(_ seed: Seed) {
        self.seed = seed
        func round(_ index: UInt64) -> UInt32 {
            UInt32(truncatingIfNeeded: seed.key("reference", index))
        }
        rounds = (round(0), round(1), round(2), round(3))
    }

    package static func == (a: ReferenceKey, b: ReferenceKey) -> Bool { a.seed == b.seed }
    package func hash(into hasher: inout Hasher) { hasher.combine(seed) }

    /// The 32 bits that tags and words carry.
    package func wire(_ reference: TurnReference) -> UInt32 {
        var left = reference.rawValue >> 16
        var right = reference.rawValue & 0xffff
        for key in [rounds.0, rounds.1, rounds.2, rounds.3] {
            (left, right) = (right, left ^ Self.mix(right, key))
        }
        return left << 16 | right
    }

    /// The reference behind 32 bits from the wire, or nil when utterance is 0: no run states such a reference.
    /// Whether the call exists is for the run to say.
    package func reference(_ wire: UInt32) -> TurnReference? {
        var left = wire >> 16
        var right = wire & 0xffff
        for key in [rounds.3, rounds.2, rounds.1, rounds.0] {
            (left, right) = (right ^ Self.mix(left, key), left)
        }
        let reference = TurnReference(rawValue: left << 16 | right)
        return reference.utterance == 0 ? nil : reference
    }

    private static func mix(_ half: UInt32, _ key: UInt32) -> UInt32 {
        var x = half ^ key
        x = (x ^ (x >> 16)) &* 0x7feb_352d
        x = (x ^ (x >> 15)) &* 0x846c_a68b
        return (x ^ (x >> 16)) & 0xffff
    }
}
