/// ITU-T G.711, both laws, bit for bit as the reference software of ITU-T G.191 computes them from 16-bit samples.
///
/// Negative samples are taken by ones' complement, as G.191 does, so that −1…−4 share the code of 0…3.
package enum G711: String, CaseIterable, Sendable {
    /// North America and Japan; what Twilio streams.
    case muLaw = "mulaw"
    /// The rest of the world.
    case aLaw = "alaw"

    /// The code of a silent sample: 0xFF in mu-law, 0xD5 in A-law.
    package var silence: UInt8 { self == .muLaw ? 0xff : 0xd5 }

    package func encode(_ sample: Int16) -> UInt8 {
        switch self {
        case .muLaw: Self.muLawCodes[Int(UInt16(bitPattern: sample) >> 2)]
        case .aLaw: Self.aLawCodes[Int(UInt16(bitPattern: sample) >> 4)]
        }
    }

    package func decode(_ code: UInt8) -> Int16 {
        switch self {
        case .muLaw: Self.muLawSamples[Int(code)]
        case .aLaw: Self.aLawSamples[Int(code)]
        }
    }

    /// Appends one code per sample.
    package func encode(_ samples: Span<Int16>, into codes: inout [UInt8]) {
        codes.reserveCapacity(codes.count + samples.count)
        let shift = self == .muLaw ? 2 : 4
        (self == .muLaw ? Self.muLawCodes : Self.aLawCodes).withUnsafeBufferPointer { table in
            for index in samples.indices {
                codes.append(table[Int(UInt16(bitPattern: samples[index]) >> shift)])
            }
        }
    }

    /// Appends one sample per code.
    package func decode(_ codes: Span<UInt8>, into samples: inout [Int16]) {
        samples.reserveCapacity(samples.count + codes.count)
        samplesByCode.withUnsafeBufferPointer { table in
            for index in codes.indices { samples.append(table[Int(codes[index])]) }
        }
    }

    /// The 256 samples, by code.
    package var samplesByCode: [Int16] {
        self == .muLaw ? Self.muLawSamples : Self.aLawSamples
    }

    /// The other law's code for each code of this one, by way of the linear sample (what a gateway does).
    package var codesOfOtherLaw: [UInt8] { self == .muLaw ? Self.muToA : Self.aToMu }

    // MARK: Tables

    /// A law looks only at the top 14 (mu) or 12 (A) bits, which is all the tables are indexed by.
    private static let muLawCodes: [UInt8] = (0..<16_384).map {
        muLawCode(Int16(bitPattern: UInt16($0) << 2))
    }
    private static let aLawCodes: [UInt8] = (0..<4_096).map {
        aLawCode(Int16(bitPattern: UInt16($0) << 4))
    }
    private static let muLawSamples: [Int16] = (0..<256).map { muLawSample(UInt8($0)) }
    private static let aLawSamples: [Int16] = (0..<256).map { aLawSample(UInt8($0)) }
    private static let muToA: [UInt8] = muLawSamples.map { aLawCode($0) }
    private static let aToMu: [UInt8] = aLawSamples.map { muLawCode($0) }

    /// G.711 table 2: a sign, the segment (3 bits) and the place within it (4 bits), all inverted.
    private static func muLawCode(_ sample: Int16) -> UInt8 {
        let size = min((Int(sample < 0 ? ~sample : sample) >> 2) + 33, 0x1fff)
        let segment = Int.bitWidth - 6 - size.leadingZeroBitCount
        let code = segment << 4 | size >> (segment + 1) & 15
        return UInt8(sample < 0 ? 0x7f : 0xff) ^ UInt8(code)
    }

    private static func muLawSample(_ code: UInt8) -> Int16 {
        let bits = ~code
        let segment = Int(bits >> 4 & 7)
        let size = ((Int(bits & 15) << 1 + 33) << segment - 33) << 2
        return Int16(bits & 0x80 == 0 ? size : -size)
    }

    /// G.711 table 1: the same shape, with the two lowest segments linear and every other bit inverted.
    private static func aLawCode(_ sample: Int16) -> UInt8 {
        let size = Int(sample < 0 ? ~sample : sample) >> 4
        let segment = max(0, Int.bitWidth - 4 - size.leadingZeroBitCount)
        let code = segment == 0 ? size : segment << 4 | size >> (segment - 1) & 15
        return UInt8(code) ^ (sample < 0 ? 0x55 : 0xd5)
    }

    private static func aLawSample(_ code: UInt8) -> Int16 {
        let bits = code ^ 0x55
        let segment = Int(bits >> 4 & 7)
        let place = Int(bits & 15) << 4 + 8
        let size = segment == 0 ? place : (place + 256) << (segment - 1)
        return Int16(bits & 0x80 == 0 ? -size : size)
    }
}
