/// A sampling rate.
package struct Hertz: Hashable, Comparable, Sendable {
    package var value: Int
    package init(_ value: Int) { self.value = value }
    package static func < (a: Hertz, b: Hertz) -> Bool { a.value < b.value }

    package static let telephone = Hertz(8_000)
    package static let wideband = Hertz(16_000)

    /// Samples in one 20 ms frame.
    package var samplesPerFrame: Int { value / 50 }
    package func duration(samples: Int) -> Duration {
        .nanoseconds(Int64(samples) * 1_000_000_000 / Int64(value))
    }
    package func samples(in duration: Duration) -> Int {
        Int(duration.nanoseconds * Int64(value) / 1_000_000_000)
    }
}

/// How samples stand in bytes. Always one channel.
package enum AudioEncoding: String, CaseIterable, Hashable, Sendable {
    /// G.711 mu-law, 1 byte a sample.
    case mulaw
    /// G.711 A-law, 1 byte a sample.
    case alaw
    /// Signed 16-bit little-endian, 2 bytes a sample.
    case linear16

    package var bytesPerSample: Int { self == .linear16 ? 2 : 1 }
    /// The byte that fills silence (G.711: the code of +0).
    package var silence: UInt8 {
        switch self {
        case .mulaw: 0xff
        case .alaw: 0xd5
        case .linear16: 0
        }
    }
}

package struct AudioFormat: Hashable, Sendable, CustomStringConvertible {
    package var encoding: AudioEncoding
    package var rate: Hertz

    package init(_ encoding: AudioEncoding, _ rate: Hertz) {
        self.encoding = encoding
        self.rate = rate
    }

    /// What Twilio Media Streams carry.
    package static let telephone = AudioFormat(.mulaw, .telephone)
    /// What the browser stream carries.
    package static let browser = AudioFormat(.linear16, .wideband)

    package var bytesPerFrame: Int { rate.samplesPerFrame * encoding.bytesPerSample }
    package func duration(bytes: Int) -> Duration {
        rate.duration(samples: bytes / encoding.bytesPerSample)
    }
    /// Of whole samples.
    package func bytes(in duration: Duration) -> Int {
        rate.samples(in: duration) * encoding.bytesPerSample
    }
    package var description: String { "\(encoding.rawValue) \(rate.value) Hz" }
}
