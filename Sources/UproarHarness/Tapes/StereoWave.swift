import UproarCore

/// RIFF WAVE, PCM, two channels (Microsoft "Multimedia Programming Interface", 1991): what every player and Python's `wave` read.
enum StereoWave {
    static func bytes(left: [Int16], right: [Int16], rate: Hertz) -> [UInt8] {
        let count = max(left.count, right.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(44 + 4 * count)
        func put(_ value: Int, _ width: Int) {
            for shift in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
        }
        bytes += "RIFF".utf8
        put(36 + 4 * count, 4)
        bytes += "WAVEfmt ".utf8
        put(16, 4)
        put(1, 2)
        put(2, 2)
        put(rate.value, 4)
        put(rate.value * 4, 4)
        put(4, 2)
        put(16, 2)
        bytes += "data".utf8
        put(4 * count, 4)
        for index in 0..<count {
            put(Int(index < left.count ? left[index] : 0), 2)
            put(Int(index < right.count ? right[index] : 0), 2)
        }
        return bytes
    }
}
