package import UproarCore

/// 32 bits as 400 ms of sound: 20 symbols of 20 ms, each one of 16 tones between 700 and 2,200 Hz.
///
/// ```
///  frame  0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19
///         S  d  d  d  d  S  d  d  c  c  S  p  p  p  p  S  d  d  p  S     (places; S = sync)
/// ```
/// Five sync symbols, spread so that no lost packet takes more than one or two of them, name the kind; the other fifteen
/// are a Reed–Solomon word over GF(16): 8 symbols of reference, 2 of CRC-8, 5 of parity (`TagCode`). Each symbol is exactly
/// one frame and each tone a whole number of cycles in it, so a caller plays a tag from 16 shared, pre-encoded tone frames.
package struct AudioTag: Hashable, Sendable {
    /// Where a tag stands in its utterance.
    package enum Kind: UInt8, CaseIterable, Sendable {
        case head
        case tail
    }

    package let wire: UInt32
    package let kind: Kind
    private let word: UInt64

    /// `wire` is the reference in its permuted form (`ReferenceKey.wire`).
    package init(wire: UInt32, kind: Kind = .head) {
        self.wire = wire
        self.kind = kind
        word = TagCode.encode(wire)
    }

    /// Frames of 20 ms in a tag.
    package static let frameCount = 20
    package static let duration = Duration.milliseconds(20 * frameCount)
    package static let toneCount = 16
    /// Peak of a tone, of full scale: −24.7 dBFS, somewhat below ordinary speech.
    ///
    /// Just under a segment boundary of G.711: read by the other law, such a tone loses its purity; at twice the level it
    /// would keep most of it, and a wrong codec must never decode.
    static let amplitude: Float = 0.058

    /// The frequency of a tone. All are multiples of 100 Hz, so every tone repeats after 10 ms.
    package static func frequency(of tone: Int) -> Hertz { Hertz(700 + 100 * tone) }

    /// Which tone sounds in frame `index` of the tag.
    package func tone(at index: Int) -> UInt8 {
        if let sync = Self.syncPlaces.firstIndex(of: index) {
            return Self.syncTones[Int(kind.rawValue)][sync]
        }
        return TagCode.symbol(Self.codePlaces.firstIndex(of: index)!, of: word)
    }

    /// The 20 tones of the head tag of `wire`, in playing order.
    package static func symbols(for wire: UInt32, kind: Kind = .head) -> [UInt8] {
        let tag = AudioTag(wire: wire, kind: kind)
        return (0..<frameCount).map { tag.tone(at: $0) }
    }

    // MARK: Layout

    static let syncPlaces = [0, 5, 10, 15, 19]
    /// Where the symbols of the code word stand: everywhere else.
    static let codePlaces = (0..<frameCount).filter { !syncPlaces.contains($0) }

    /// The sync word of each kind. They differ at every place, also when one is shifted by a place against the other.
    static let syncTones: [[UInt8]] = [[12, 3, 9, 0, 15], [2, 13, 6, 11, 4]]
}
