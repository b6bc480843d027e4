package import UproarCore

/// The head of a WAV file (Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0"; A-law and mu-law are
/// its formats 6 and 7), for samples that lie behind it as they are.
package enum WAVHeader {
    /// 58 bytes: `fmt ` with its extension size, and `fact`, which all but plain PCM must have.
    package static func bytes(
        _ format: AudioFormat, channels: Int, dataCount: Int
    ) -> [UInt8] {
        let width = format.encoding.bytesPerSample
        let block = width * channels
        let data = UInt32(clamping: dataCount)
        var output = Array("RIFF".utf8)
        func word(_ value: Int) { output += [UInt8(value & 255), UInt8(value >> 8 & 255)] }
        func long(_ value: UInt32) {
            output += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        long(50 &+ data &+ (data & 1))
        output += Array("WAVEfmt ".utf8)
        long(18)
        let tag =
            switch format.encoding {
            case .linear16: 1
            case .mulaw: 7
            case .alaw: 6
            }
        word(tag)
        word(channels)
        long(UInt32(format.rate.value))
        long(UInt32(format.rate.value * block))
        word(block)
        word(8 * width)
        word(0)
        output += Array("fact".utf8)
        long(4)
        long(data / UInt32(max(1, block)))
        output += Array("data".utf8)
        long(data)
        return output
    }
}
