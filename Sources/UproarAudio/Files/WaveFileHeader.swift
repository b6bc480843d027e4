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

extension WaveFileHeader {
    /// How long a WAV file sounds, by its own head; nil for what is none, or is packed at no fixed rate.
    ///
    /// A writer that did not know the end has left a length of nothing, or of all there may be: then the file's own counts.
    package static func length(of file: [UInt8]) -> Duration? {
        func long(_ place: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(file[place + $1]) << (8 * $1) }
        }
        guard file.count >= byteCount, file.starts(with: "RIFF".utf8),
            file[8..<12].elementsEqual("WAVE".utf8)
        else { return nil }
        var bytesPerSecond: Int?
        var place = 12
        while place + 8 <= file.count {
            let name = file[place..<place + 4]
            let count = long(place + 4)
            if name.elementsEqual("fmt ".utf8), place + 24 <= file.count {
                let tag = Int(file[place + 8]) | Int(file[place + 9]) << 8
                guard [1, 3, 6, 7, 0xfffe].contains(tag) else { return nil }
                bytesPerSecond = long(place + 16)
            }
            if name.elementsEqual("data".utf8) {
                guard let bytesPerSecond, bytesPerSecond > 0 else { return nil }
                let rest = file.count - place - 8
                let data = count == 0 ? rest : min(count, rest)
                return .fromSeconds(Double(data) / Double(bytesPerSecond))
            }
            place += 8 + count + count % 2
        }
        return nil
    }
}
