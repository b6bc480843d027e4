import UproarAudio
import UproarCore

/// The power of a stream in blocks of 5 ms, the latest of them kept: what clips are told apart by.
///
/// The blocks stand on the stream's own grid, so a clip that begins anywhere is met within 2.5 ms.
struct LevelBlocks: Sendable {
    static let kept = 256
    private let format: AudioFormat
    private let blockSize: Int
    private let squares: [Float]
    private var powers = [Float](repeating: 0, count: kept)
    /// Blocks complete so far.
    private(set) var count = 0
    private var sum: Float = 0
    private var samplesInBlock = 0

    init(_ format: AudioFormat) {
        self.format = format
        blockSize = format.rate.value / 200
        squares =
            switch format.encoding {
            case .mulaw: Self.muLawSquares
            case .alaw: Self.aLawSquares
            case .linear16: []
            }
    }

    private static let muLawSquares = G711.muLaw.samplesByCode.map { Float($0) * Float($0) }
    private static let aLawSquares = G711.aLaw.samplesByCode.map { Float($0) * Float($0) }

    /// The mean square of a block; blocks no longer kept or yet to come are silent.
    subscript(block: Int) -> Float {
        block < count && block >= max(0, count - Self.kept) ? powers[block % Self.kept] : 0
    }

    mutating func feed(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { bytes in
            if format.encoding == .linear16 {
                feed(samples: bytes.count / 2) { index in
                    let sample = Float(
                        Int16(
                            littleEndian: bytes.loadUnaligned(
                                fromByteOffset: 2 * index, as: Int16.self)))
                    return sample * sample
                }
            } else {
                let table = squares
                table.withUnsafeBufferPointer { table in
                    feed(samples: bytes.count) { table[Int(bytes[$0])] }
                }
            }
        }
    }

    @inline(__always)
    private mutating func feed(samples count: Int, square: (Int) -> Float) {
        var index = 0
        while index < count {
            let end = min(count, index + blockSize - samplesInBlock)
            var part: Float = 0
            samplesInBlock += end - index
            while index < end {
                part += square(index)
                index &+= 1
            }
            sum += part
            if samplesInBlock == blockSize { endBlock() }
        }
    }

    /// The same as feeding so many samples of silence.
    mutating func feedSilence(_ samples: Int) {
        var rest = samples
        while rest > 0 {
            let taken = min(rest, blockSize - samplesInBlock)
            samplesInBlock += taken
            rest -= taken
            if samplesInBlock == blockSize { endBlock() }
        }
    }

    private mutating func endBlock() {
        powers[count % Self.kept] = sum / Float(blockSize)
        count += 1
        sum = 0
        samplesInBlock = 0
    }
}
