internal import COpus
package import UproarCore

/// What libopus refused, in its own words.
package struct OpusError: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String
    package var description: String { "Opus: \(reason)" }

    fileprivate init(_ code: Int32) { reason = String(cString: opus_strerror(code)) }
}

/// Turns 20 ms frames into Opus packets (RFC 6716), one stream of them. The C type is `OpusEncoder`.
package struct OpusFrameEncoder: ~Copyable {
    /// One of 8, 12, 16, 24 and 48 kHz.
    package let rate: Hertz
    private let encoder: OpaquePointer
    /// No packet of one frame is longer (RFC 6716 §3.4 [R2] and one byte of table of contents).
    private static let longestPacket = 1_276

    /// `expectedLoss` in percent turns on in-band error correction.
    package init(rate: Hertz, bitsPerSecond: Int, expectedLoss: Int = 0) throws(OpusError) {
        var code: Int32 = 0
        let encoder = opus_encoder_create(Int32(rate.value), 1, OPUS_APPLICATION_VOIP, &code)
        guard let encoder, code == OPUS_OK else { throw OpusError(code) }
        for code in [
            uproar_opus_set_bitrate(encoder, Int32(bitsPerSecond)),
            uproar_opus_set_expected_loss(encoder, Int32(expectedLoss)),
        ] where code != OPUS_OK {
            opus_encoder_destroy(encoder)
            throw OpusError(code)
        }
        self.rate = rate
        self.encoder = encoder
    }

    deinit { opus_encoder_destroy(encoder) }

    /// Appends the packet of exactly one frame of 20 ms.
    package mutating func encode(_ frame: Span<Int16>, into packet: inout [UInt8]) throws(OpusError)
    {
        precondition(frame.count == rate.samplesPerFrame, "an Opus frame here is 20 ms")
        let before = packet.count
        packet.append(contentsOf: repeatElement(0, count: Self.longestPacket))
        let length = frame.withUnsafeBufferPointer { source in
            packet.withUnsafeMutableBufferPointer { target in
                opus_encode(
                    encoder, source.baseAddress!, Int32(source.count),
                    target.baseAddress! + before, Int32(Self.longestPacket))
            }
        }
        packet.removeLast(Self.longestPacket - Int(max(0, length)))
        if length < 0 { throw OpusError(length) }
    }
}

/// Turns Opus packets back into samples, and makes up for lost ones. The C type is `OpusDecoder`.
package struct OpusFrameDecoder: ~Copyable {
    package let rate: Hertz
    private let decoder: OpaquePointer

    package init(rate: Hertz) throws(OpusError) {
        var code: Int32 = 0
        let decoder = opus_decoder_create(Int32(rate.value), 1, &code)
        guard let decoder, code == OPUS_OK else { throw OpusError(code) }
        self.rate = rate
        self.decoder = decoder
    }

    deinit { opus_decoder_destroy(decoder) }

    /// Appends the samples of one packet: 2.5 to 120 ms, as the packet says. Throws on bytes that are no packet.
    package mutating func decode(_ packet: Span<UInt8>, into samples: inout [Int16])
        throws(OpusError)
    {
        // An empty packet means "lost" to libopus; here it is an error of the sender's.
        guard !packet.isEmpty else { throw OpusError(OPUS_INVALID_PACKET) }
        let most = rate.value * 120 / 1_000
        let count = append(most, to: &samples) { target in
            packet.withUnsafeBufferPointer { source in
                opus_decode(
                    decoder, source.baseAddress, Int32(source.count), target, Int32(most), 0)
            }
        }
        if count < 0 { throw OpusError(count) }
    }

    /// Appends 20 ms made up in place of a lost packet.
    package mutating func conceal(into samples: inout [Int16]) throws(OpusError) {
        let size = rate.samplesPerFrame
        let count = append(size, to: &samples) { target in
            opus_decode(decoder, nil, 0, target, Int32(size), 0)
        }
        if count < 0 { throw OpusError(count) }
    }

    private func append(
        _ most: Int, to samples: inout [Int16], _ body: (UnsafeMutablePointer<Int16>) -> Int32
    ) -> Int32 {
        let before = samples.count
        samples.append(contentsOf: repeatElement(0, count: most))
        let count = samples.withUnsafeMutableBufferPointer { body($0.baseAddress! + before) }
        samples.removeLast(most - Int(max(0, count)))
        return count
    }
}
