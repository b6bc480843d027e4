internal import CSndfile
package import UproarCore

/// Samples in, a compressed file out, piece by piece: what vendors stream as MP3, FLAC or Ogg Opus. The C library is libsndfile.
///
/// The bytes of a piece come some frames later, and `finish` gives the rest. A head that says the length is not mended: a
/// stream has none.
package final class SoundEncoder {
    package enum Kind: String, CaseIterable, Sendable {
        case mp3, flac, opus
    }

    private let memory = AudioMemory()
    private var file: OpaquePointer?

    /// nil for a rate that the format does not have.
    ///
    /// - bitRate: of an MP3, in bits a second; the nearest that its rate allows, about 64 kbit/s below 32 kHz and 128 above
    ///   without one. It is constant, as vendors' is, so that readers know a stream's length from its size.
    package init?(_ kind: Kind, rate: Hertz, bitRate: Int? = nil) {
        var description = SF_INFO()
        description.samplerate = Int32(rate.value)
        description.channels = 1
        description.format = Int32(Self.format(kind))
        guard let file = memory.open(Int32(SFM_WRITE), &description) else { return nil }
        self.file = file
        guard kind == .mp3 else { return }
        var mode = Int32(SF_BITRATE_MODE_CONSTANT)
        sf_command(file, Int32(SFC_SET_BITRATE_MODE), &mode, Int32(MemoryLayout<Int32>.size))
        // The C library takes a share from the highest rate of the format (MPEG-1 or MPEG-2) to its lowest.
        let isWide = rate.value >= 32_000
        let limits = isWide ? (low: 32_000.0, high: 320_000.0) : (low: 8_000.0, high: 160_000.0)
        let wanted = Double(bitRate ?? (isWide ? 128_000 : 64_000))
        let bits = min(limits.high, max(limits.low, wanted))
        var level = (limits.high - bits) / (limits.high - limits.low)
        sf_command(
            file, Int32(SFC_SET_COMPRESSION_LEVEL), &level, Int32(MemoryLayout<Double>.size))
    }

    private static func format(_ kind: Kind) -> Int {
        switch kind {
        // SF_FORMAT_MPEG with SF_FORMAT_MPEG_LAYER_III: enumerators newer than some headers.
        case .mp3: 0x230000 | 0x0082
        case .flac: SF_FORMAT_FLAC | SF_FORMAT_PCM_16
        case .opus: SF_FORMAT_OGG | SF_FORMAT_OPUS
        }
    }

    deinit { if let file { sf_close(file) } }

    /// What is ready after these samples.
    package func encode(_ samples: [Int16]) -> [UInt8] {
        guard let file, !samples.isEmpty else { return [] }
        _ = sf_writef_short(file, samples, sf_count_t(samples.count))
        return memory.take()
    }

    /// The end of the file; nothing may be encoded after it.
    package func finish() -> [UInt8] {
        guard let file else { return [] }
        self.file = nil
        sf_close(file)
        return memory.take()
    }
}
