package import UproarCore

/// The head of a WAV file (RIFF, "WAVE_FORMAT_PCM" and G.711): what precedes samples that are made as they come.
package enum WaveFileHeader {
    package static let byteCount = 44

    /// - dataByteCount: of the samples that follow.
    package static func bytes(of format: AudioFormat, channels: Int = 1, dataByteCount: Int)
        -> [UInt8]
    {
        let tag: UInt16 =
            switch format.encoding {
            case .linear16: 1
            case .alaw: 6
            case .mulaw: 7
            }
        let frame = channels * format.encoding.bytesPerSample
        var output: [UInt8] = []
        output.reserveCapacity(byteCount)
        func long(_ value: Int) {
            withUnsafeBytes(of: UInt32(clamping: value).littleEndian) { output += $0 }
        }
        func short(_ value: Int) {
            withUnsafeBytes(of: UInt16(clamping: value).littleEndian) { output += $0 }
        }
        output += Array("RIFF".utf8)
        long(dataByteCount + byteCount - 8)
        output += Array("WAVEfmt ".utf8)
        long(16)
        short(Int(tag))
        short(channels)
        long(format.rate.value)
        long(format.rate.value * frame)
        short(frame)
        short(format.encoding.bytesPerSample * 8)
        output += Array("data".utf8)
        long(dataByteCount)
        return output
    }
}
