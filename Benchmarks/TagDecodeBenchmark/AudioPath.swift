import UproarAudio
import UproarCore

/// One way sound may take between a caller and whoever decodes its tags, right or wrong.
struct AudioPath {
    var name: String
    /// False for garbled audio, from which nothing may ever be decoded.
    var isIntact: Bool
    /// What the receiver believes to get.
    var format: AudioFormat
    /// Sound at 16 kHz → the bytes at the receiver.
    var carry: (PCM, inout RandomStream) throws -> [UInt8]

    static func bytes(_ samples: [Int16]) -> [UInt8] {
        samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    static func codes(_ sound: PCM, _ law: G711 = .muLaw) -> [UInt8] {
        var codes: [UInt8] = []
        law.encode(sound.samples.span, into: &codes)
        return codes
    }

    static func samples(_ codes: [UInt8], _ law: G711 = .muLaw, rate: Hertz = .telephone) -> PCM {
        var samples: [Int16] = []
        law.decode(codes.span, into: &samples)
        return PCM(rate: rate, samples: samples)
    }

    static func opus(
        _ sound: PCM, bitsPerSecond: Int, lost: UInt64, _ random: inout RandomStream
    ) throws -> PCM {
        var encoder = try OpusFrameEncoder(rate: sound.rate, bitsPerSecond: bitsPerSecond)
        var decoder = try OpusFrameDecoder(rate: sound.rate)
        let size = sound.rate.samplesPerFrame
        var heard = PCM(rate: sound.rate, samples: [])
        for start in stride(from: 0, to: sound.samples.count / size * size, by: size) {
            var packet: [UInt8] = []
            try encoder.encode(sound.samples[start..<start + size].span, into: &packet)
            if random.chance(lost, 1_000) {
                try decoder.conceal(into: &heard.samples)
            } else {
                try decoder.decode(packet.span, into: &heard.samples)
            }
        }
        return heard
    }

    static func withNoise(_ sound: PCM, amplitude: Int, _ random: inout RandomStream) -> PCM {
        PCM(
            rate: sound.rate,
            samples: sound.samples.map {
                Int16(clamping: Int($0) + random.below(2 * amplitude + 1) - amplitude)
            })
    }

    // MARK: Paths that must carry tags

    static func intact() -> [AudioPath] {
        [
            AudioPath(name: "mu-law 8 kHz", isIntact: true, format: .telephone) { sound, _ in
                codes(sound.resampled(to: .telephone))
            },
            AudioPath(name: "A-law 8 kHz", isIntact: true, format: .init(.alaw, .telephone)) {
                sound, _ in codes(sound.resampled(to: .telephone), .aLaw)
            },
            AudioPath(name: "mu-law, read at 16 kHz", isIntact: true, format: .browser) {
                sound, _ in
                let phone = samples(codes(sound.resampled(to: .telephone)))
                return bytes(phone.resampled(to: .wideband).samples)
            },
            AudioPath(name: "mu-law 8→16→8 kHz", isIntact: true, format: .telephone) { sound, _ in
                let phone = samples(codes(sound.resampled(to: .telephone)))
                return codes(phone.resampled(to: .wideband).resampled(to: .telephone))
            },
            AudioPath(name: "mu-law 8→44.1→8 kHz", isIntact: true, format: .telephone) { sound, _ in
                let phone = samples(codes(sound.resampled(to: .telephone)))
                return codes(phone.resampled(to: Hertz(44_100)).resampled(to: .telephone))
            },
            AudioPath(name: "24 kHz → mu-law 8 kHz", isIntact: true, format: .telephone) {
                sound, _ in
                codes(sound.resampled(to: Hertz(24_000)).resampled(to: .telephone))
            },
            AudioPath(
                name: "linear 24 kHz", isIntact: true, format: .init(.linear16, Hertz(24_000))
            ) {
                sound, _ in bytes(sound.resampled(to: Hertz(24_000)).samples)
            },
            opus("Opus 24 kbit/s", 24_000, lost: 0), opus("Opus 16 kbit/s", 16_000, lost: 0),
            opus("Opus 12 kbit/s", 12_000, lost: 0),
            opus("Opus 24 kbit/s, 1 % lost", 24_000, lost: 10),
            opus("Opus 16 kbit/s, 1 % lost", 16_000, lost: 10),
            opus("Opus 24 kbit/s, 3 % lost", 24_000, lost: 30),
            AudioPath(name: "Opus 24 kbit/s → mu-law", isIntact: true, format: .telephone) {
                sound, random in
                let heard = try opus(sound, bitsPerSecond: 24_000, lost: 0, &random)
                return codes(heard.resampled(to: .telephone))
            },
            AudioPath(name: "mu-law, 1 % of packets silent", isIntact: true, format: .telephone) {
                sound, random in
                var codes = codes(sound.resampled(to: .telephone))
                for start in stride(from: 0, to: codes.count - 160, by: 160)
                where random.chance(1, 100) {
                    for index in start..<start + 160 { codes[index] = 0xff }
                }
                return codes
            },
            AudioPath(name: "white noise at 15 dB, mu-law", isIntact: true, format: .telephone) {
                sound, random in
                codes(withNoise(sound, amplitude: 860, &random).resampled(to: .telephone))
            },
            AudioPath(name: "10 dB quieter, mu-law", isIntact: true, format: .telephone) {
                sound, _ in
                codes(sound.scaled(by: 0.316).resampled(to: .telephone))
            },
        ]
    }

    private static func opus(_ name: String, _ bitsPerSecond: Int, lost: UInt64) -> AudioPath {
        AudioPath(name: name, isIntact: true, format: .browser) { sound, random in
            bytes(try opus(sound, bitsPerSecond: bitsPerSecond, lost: lost, &random).samples)
        }
    }

    // MARK: Paths that garble

    static func garbled() -> [AudioPath] {
        [
            wrong("mu-law read as linear", .init(.linear16, .telephone)) { codes($0) },
            wrong("mu-law read as linear 16 kHz", .init(.linear16, .wideband)) { codes($0) },
            wrong("linear read as mu-law", .telephone) { bytes($0.samples) },
            wrong("linear read as mu-law 16 kHz", .init(.mulaw, .wideband)) { bytes($0.samples) },
            wrong("linear read as A-law 16 kHz", .init(.alaw, .wideband)) { bytes($0.samples) },
            wrong("mu-law read as A-law", .init(.alaw, .telephone)) { codes($0) },
            wrong("A-law read as mu-law", .telephone) { codes($0, .aLaw) },
            wrong("linear, bytes swapped", .init(.linear16, .telephone)) {
                bytes($0.samples.map(\.byteSwapped))
            },
            wrong("linear, one byte off", .init(.linear16, .telephone)) {
                [0] + bytes($0.samples).dropLast()
            },
            wrong("8 kHz read as 16 kHz", .init(.linear16, .wideband)) { bytes($0.samples) },
            wrong("16 kHz read as 8 kHz", .init(.linear16, .telephone)) {
                bytes($0.resampled(to: .wideband).samples)
            },
            wrong("24 kHz read as 16 kHz", .init(.linear16, .wideband)) {
                bytes($0.resampled(to: Hertz(24_000)).samples)
            },
            wrong("16 kHz read as 24 kHz", .init(.linear16, Hertz(24_000))) {
                bytes($0.resampled(to: .wideband).samples)
            },
            wrong("24 kHz read as 8 kHz", .init(.linear16, .telephone)) {
                bytes($0.resampled(to: Hertz(24_000)).samples)
            },
            wrong("stereo read as one channel", .init(.linear16, .telephone)) {
                bytes($0.samples.flatMap { [$0, $0] })
            },
            wrong("speech alone", .telephone) { sound in
                var codes = codes(sound)
                // Neither tag, only what is between.
                codes.removeFirst(min(codes.count, 4_400))
                return Array(codes.dropLast(4_400))
            },
        ]
    }

    private static func wrong(
        _ name: String, _ format: AudioFormat, _ carry: @escaping (PCM) -> [UInt8]
    ) -> AudioPath {
        AudioPath(name: name, isIntact: false, format: format) { sound, _ in
            carry(sound.resampled(to: .telephone))
        }
    }
}
