import UproarAudio
import UproarCore

/// Whether what an agent sends as mu-law can be mu-law: a look at the first 0.8 s of a call that are loud enough to be heard.
///
/// | what is sent | mean, as a share of the level | likeness of neighbours |
/// |---|---|---|
/// | speech in mu-law | 0.03–0.08 | 0.72–0.97 |
/// | 16-bit samples, either order | 0.48–0.52 | 0.18–0.31 |
/// | 8-bit samples | 0.70–0.73 | 0.67–0.85 |
/// | zero bytes, meant as silence | 1 | 1 |
/// | MP3, 32-bit floats | 0.01–0.13 | 0.04–0.31 |
///
/// Measured over clips of the task-manager corpus; tones of turn references have 0 and 0.4. A-law and another rate cannot be told so.
struct SoundCheck {
    enum Finding: Hashable {
        /// The samples' mean is far from zero, which no telephone carries.
        case offset
        /// Neighbouring samples have nothing to do with each other.
        case noise

        var text: String {
            let form = "a payload is Base64 of mu-law at 8,000 Hz, without a file header"
            return switch self {
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
    private var sum = 0.0
    private var energy = 0.0
    private var product = 0.0

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
        if sum.magnitude / Double(count) > 0.3 * (energy / Double(count)).squareRoot() {
            return .offset
        }
        return product < 0.35 * energy ? .noise : nil
    }

    private mutating func take(_ block: RawSpan) {
        var sum = 0.0
        var energy = 0.0
        var product = 0.0
        var last = 0.0
        for index in 0..<block.byteCount {
            let code = block.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            let sample = Double(G711.muLaw.decode(code))
            sum += sample
            energy += sample * sample
            product += sample * last
            last = sample
        }
        guard energy >= Self.audible else { return }
        count += block.byteCount
        self.sum += sum
        self.energy += energy
        self.product += product
    }
}
