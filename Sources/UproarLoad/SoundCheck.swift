import UproarAudio
import UproarCore

/// Whether what an agent sends as mu-law can be mu-law: a look at the first 0.8 s of a call that are loud enough to be heard.
///
/// | what is sent | mean, as a share of the level | likeness of neighbours | roughness as A-law, of that as mu-law |
/// |---|---|---|---|
/// | speech in mu-law | 0.00–0.08 | 0.44–0.97 | 1.15–8.9 |
/// | speech in A-law | 0.00–0.75 | −0.38–0.90 | 0.08–0.74, faint 1.0 |
/// | 16-bit samples, either order | 0.43–0.72 | −0.01–0.71 | 0.96–2.1 |
/// | 8-bit samples | 0.69–0.85 | 0.22–0.95 | 0.91–1.7 |
/// | zero bytes, meant as silence | 1 | 1 | 1 |
/// | MP3, 32-bit floats | 0.01–0.84 | 0.04–0.78 | 1.0–3.2 |
///
/// Likeness is the correlation of neighbouring samples, roughness what it lacks to 1. Measured over the clips of `fixtures` and the 400
/// prompts of asterisk-core-sounds-en-wav; tones of turn references have 0, 0.4 and 0.96–3. Another rate cannot be told so.
struct SoundCheck {
    enum Finding: Hashable {
        /// Read as A-law it is much smoother.
        case alaw
        /// The samples' mean is far from zero, which no telephone carries.
        case offset
        /// Neighbouring samples have nothing to do with each other.
        case noise

        var text: String {
            let form = "a payload is Base64 of mu-law at 8,000 Hz, without a file header"
            return switch self {
            case .alaw: "the agent's audio is A-law and not mu-law: \(form)"
            case .offset:
                "the agent's audio is 16-bit or 8-bit samples, or zeros, and not mu-law: \(form)"
            case .noise:
                "the agent's audio is noise to the ear, as a compressed file is, and not mu-law: \(form)"
            }
        }
    }

    /// Enough has been heard.
    private(set) var isOver = false
    private var count = 0
    private var muLaw = Moments()
    private var aLaw = Moments()

    /// Sums over samples.
    private struct Moments {
        var sum = 0.0
        var energy = 0.0
        /// Of each sample and the one before it.
        var product = 0.0

        init() {}

        init(_ block: RawSpan, _ law: G711) {
            var last = 0.0
            for index in 0..<block.byteCount {
                let code = block.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                let sample = Double(law.decode(code))
                sum += sample
                energy += sample * sample
                product += sample * last
                last = sample
            }
        }

        static func += (a: inout Moments, b: Moments) {
            a.sum += b.sum
            a.energy += b.energy
            a.product += b.product
        }

        var roughness: Double { energy > 0 ? 1 - product / energy : 1 }
    }

    private static let enough = 6_400
    private static let block = 160
    /// RMS of 300: some 40 dB below full scale.
    private static let audible = 300.0 * 300.0 * Double(block)

    /// Takes the next audio; an answer comes once at the most, when there was enough of it.
    mutating func hear(_ audio: RawSpan) -> Finding? {
        guard !isOver else { return nil }
        var start = 0
        while start + Self.block <= audio.byteCount, count < Self.enough {
            take(audio.extracting(start..<start + Self.block))
            start += Self.block
        }
        guard count >= Self.enough else { return nil }
        isOver = true
        if aLaw.roughness < 0.8 * muLaw.roughness { return .alaw }
        let level = (muLaw.energy / Double(count)).squareRoot()
        if muLaw.sum.magnitude / Double(count) > 0.3 * level { return .offset }
        return muLaw.roughness > 0.65 ? .noise : nil
    }

    private mutating func take(_ block: RawSpan) {
        let heard = Moments(block, .muLaw)
        guard heard.energy >= Self.audible else { return }
        count += block.byteCount
        muLaw += heard
        aLaw += Moments(block, .aLaw)
    }
}
