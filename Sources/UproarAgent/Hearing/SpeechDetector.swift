import Glibc
import UproarAudio
import UproarCore

/// Tells speech from silence by level alone, in blocks of 10 ms, against a floor that follows the noise.
///
/// A block is voiced when its power is above `absolute` and well above the quietest 30 ms of the last 0.8 s. Where the level
/// moves by less than 10 dB in that time it is taken for steady noise, which becomes the floor; speech moves by more, and
/// then the bar never stands higher than 11 dB below its own loudest part, so a long vowel does not silence itself.
///
/// Who speaks low goes on below `absolute`: within speech the bar is 38 dB below the loudest part of the last moments, where that is
/// less, and never below `quietest`.
///
///     level   ▁▁▁▁▂▇█▆▇▂▁▃▇█▇▆▁▁▁▁▁▁▁▁▁▁▁
///     voiced       └────┘  └───┘
///                  ▲onset      ▲lastVoiced   silence = position − lastVoiced
///
/// Positions count samples since the start of the stream. Nothing is allocated.
struct SpeechDetector {
    /// −55 dB below a full-scale sine: quieter is silence in any case.
    static let absolute: Float = 1632
    /// −72 dB below full scale: about the smallest step of mu-law.
    static let quietest: Float = 68
    /// 38 dB, as a ratio of powers.
    private static let belowLoudest: Float = 1.585e-4
    /// The loudest part fades by 22 dB a second, so that it is the speaker's present voice, and no tone before it.
    private static let fading: Float = 0.95
    /// The level of the caller's voice fades by 9 dB in ten seconds of it.
    private static let forgetting: Float = 0.998
    /// Where the voice stands out of the noise by less than this, its weaker words may be hidden …
    private static let clearVoice: Float = 32
    /// … and so much more silence is waited for, for each dB that is missing, up to `longestHangover`.
    private static let hangoverPerDecibel = Duration.milliseconds(25)
    private static let longestHangover = Duration.milliseconds(300)
    /// So many voiced blocks of the last ten begin a run.
    private static let onsetBlocks = 6

    private let blockCount: Int
    /// This much silence ends a run; the next onset begins another.
    private let runEnd: Int

    /// Samples heard.
    private(set) var position = 0
    /// After the last voiced sample of the stream; 0 when there was none.
    private(set) var lastVoiced = 0
    /// Where the current or last run of speech began.
    private(set) var onset = 0
    /// Samples in voiced blocks since the run began.
    private(set) var voiced = 0
    /// Samples in voiced blocks since the stream began: a difference tells whether the caller went on.
    private(set) var totalVoiced = 0
    /// A run has begun and has not been followed by `runEnd` of silence.
    private(set) var isActive = false

    /// By how much more silence a turn is over: noise that hides weak words makes pauses of them. 0 where nothing is hidden.
    var hangover: Int {
        let floor = minima.least
        guard floor * 4 > quietBar else { return 0 }
        let missing = Self.clearVoice - 10 * log10(max(voice, 1) / floor)
        guard missing > 0 else { return 0 }
        return min(longestHangover, Int(missing * hangoverPerDecibel))
    }

    private let longestHangover: Int
    private let hangoverPerDecibel: Float
    /// The power of the loudest part of the last moments, fading, and that of the caller's voice.
    private var loudest: Float = 0
    private var voice: Float = 0
    private var sum: Float = 0
    private var summed = 0
    private var recent: (Float, Float) = (0, 0)
    /// One bit for each of the last blocks, the latest lowest.
    private var history: UInt16 = 0
    private var minima = SIMD8<Float>(repeating: 0)
    private var maxima = SIMD8<Float>(repeating: 0)
    private var slot = 0
    private var blocksInSlot = 0

    init(rate: Hertz = .telephone, runEnd: Duration) {
        blockCount = rate.value / 100
        self.runEnd = rate.samples(in: runEnd)
        longestHangover = rate.samples(in: Self.longestHangover)
        hangoverPerDecibel = Float(rate.samples(in: Self.hangoverPerDecibel))
    }

    var silence: Int { position - lastVoiced }

    /// No run is going on, and no block of the last tenth of a second was voiced.
    var isQuiet: Bool { !isActive && history == 0 }

    /// Hears mu-law samples, any number.
    mutating func hear(mulaw: RawSpan) {
        mulaw.withUnsafeBytes { bytes in
            MulawPower.table.withUnsafeBufferPointer { table in
                var index = 0
                while index < bytes.count {
                    let end = min(bytes.count, index + blockCount - summed)
                    summed += end - index
                    var part: Float = 0
                    // Silence adds nothing: its code is that of +0.
                    while index + 8 <= end,
                        bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) == .max
                    { index += 8 }
                    while index < end {
                        part += table[Int(bytes[index])]
                        index += 1
                    }
                    sum += part
                    if summed == blockCount { endBlock() }
                }
            }
        }
    }

    /// Hears samples of an encoding, any whole number.
    mutating func hear(_ audio: RawSpan, as encoding: AudioEncoding) {
        switch encoding {
        case .mulaw: hear(mulaw: audio)
        case .alaw: hear(audio, step: 1) { Float(G711.aLaw.decode($0[$1])) }
        case .linear16:
            hear(audio, step: 2) {
                Float(Int16(bitPattern: UInt16($0[$1]) | UInt16($0[$1 + 1]) << 8))
            }
        }
    }

    @inline(__always)
    private mutating func hear(
        _ audio: RawSpan, step: Int, _ sample: (UnsafeRawBufferPointer, Int) -> Float
    ) {
        audio.withUnsafeBytes { bytes in
            var index = 0
            while index + step <= bytes.count {
                let value = sample(bytes, index)
                sum += value * value
                summed += 1
                index += step
                if summed == blockCount { endBlock() }
            }
        }
    }

    private mutating func endBlock() {
        hear(power: sum / Float(blockCount))
        sum = 0
        summed = 0
    }

    /// Hears one block of 10 ms by its mean square, of samples with 16 bits.
    mutating func hear(power: Float) {
        let begin = position
        position += blockCount
        let isVoiced = power > bar
        let smooth = (power + recent.0 + recent.1) / 3
        follow(smooth)
        loudest = max(loudest * Self.fading, smooth)
        if isVoiced { voice = max(voice * Self.forgetting, power) }
        recent = (power, recent.0)
        let wasVoiced = history & 1 == 1
        history = (history << 1 | (isVoiced ? 1 : 0)) & 0x3ff
        if isActive {
            if isVoiced {
                voiced += blockCount
                totalVoiced += blockCount
                // A click of one block does not prolong speech.
                if wasVoiced { lastVoiced = position }
            } else if silence >= runEnd {
                isActive = false
            }
        } else if history.nonzeroBitCount >= Self.onsetBlocks {
            isActive = true
            let first = UInt16.bitWidth - 1 - history.leadingZeroBitCount
            onset = max(0, begin - first * blockCount)
            voiced = history.nonzeroBitCount * blockCount
            totalVoiced += voiced
            lastVoiced = position
        }
    }

    /// What a block must exceed to be voiced.
    private var bar: Float {
        let least = minima.least
        let most = maxima.greatest
        // Onset needs 9 dB above the floor, going on needs 6.
        let overFloor = least * (isActive ? 4 : 8)
        return max(quietBar, least * 10 >= most ? overFloor : min(overFloor, most / 12.5))
    }

    /// What a block must exceed however low the noise.
    private var quietBar: Float {
        isActive
            ? min(Self.absolute, max(Self.quietest, loudest * Self.belowLoudest)) : Self.absolute
    }

    /// Takes a smoothed block into the least and greatest of the last eight tenths of a second.
    private mutating func follow(_ power: Float) {
        if blocksInSlot == 0 {
            minima[slot] = power
            maxima[slot] = power
        } else {
            minima[slot] = min(minima[slot], power)
            maxima[slot] = max(maxima[slot], power)
        }
        blocksInSlot += 1
        if blocksInSlot == 10 {
            blocksInSlot = 0
            slot = (slot + 1) & 7
        }
    }
}

/// Lane by lane: `min()` and `max()` of the standard library are calls here, one lane after the other.
extension SIMD8<Float> {
    @inline(__always)
    fileprivate var least: Float {
        let four = highHalf.replacing(with: lowHalf, where: lowHalf .< highHalf)
        let two = four.highHalf.replacing(with: four.lowHalf, where: four.lowHalf .< four.highHalf)
        return Swift.min(two.x, two.y)
    }

    @inline(__always)
    fileprivate var greatest: Float {
        let four = highHalf.replacing(with: lowHalf, where: lowHalf .> highHalf)
        let two = four.highHalf.replacing(with: four.lowHalf, where: four.lowHalf .> four.highHalf)
        return Swift.max(two.x, two.y)
    }
}

/// The squares of the 256 mu-law codes.
enum MulawPower {
    static let table: [Float] = (0...255).map { code in
        let sample = Float(G711.muLaw.decode(UInt8(code)))
        return sample * sample
    }
}
