import UproarCore

/// HdrHistogram's V2 encoding (`AbstractHistogram.encodeIntoByteBuffer`), plain and compressed: what other tools read.
///
/// ```
/// plain       cookie 0x1c849313 · payload length · normalising offset 0 · digits · lowest · highest · ratio 1.0 · payload
/// compressed  cookie 0x1c849314 · length · zlib of the plain form        (Base64: HISTFAAAA…)
/// payload     per slot ZigZag LEB128: a count, or −n for n empty slots; ends after the last slot in use
/// ```
/// Integers of the header are big-endian. LEB128 is HdrHistogram's 64-bit variant: nine bytes at most, the ninth whole.
extension HDRHistogram {
    private static let plainCookie: UInt32 = 0x1c84_9313
    private static let compressedCookie: UInt32 = 0x1c84_9314
    private static let headerCount = 40
    private static let plainLimit = headerCount + 9 * HDRSlots.count

    /// What is wrong with an encoded histogram.
    package enum WireError: Error, Hashable, Sendable {
        case truncated
        case notV2
        /// Another range or precision than ours: one configuration only, so that merging stays exact.
        case otherConfiguration
        case damaged
    }

    package func encodedV2() -> [UInt8] {
        var payload: [UInt8] = []
        var next = 0
        forEachSlot { slot, times in
            let empty = slot - next
            if empty > 0 { Self.appendZigZag(-Int64(empty), to: &payload) }
            Self.appendZigZag(Int64(times), to: &payload)
            next = slot + 1
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerCount + payload.count)
        Self.append(Self.plainCookie, to: &bytes)
        Self.append(UInt32(payload.count), to: &bytes)
        Self.append(UInt32(0), to: &bytes)
        Self.append(UInt32(HDRSlots.significantDigits), to: &bytes)
        Self.append(UInt64(HDRSlots.lowestDiscernible), to: &bytes)
        Self.append(UInt64(HDRSlots.highestTrackable), to: &bytes)
        Self.append(Double(1).bitPattern, to: &bytes)
        return bytes + payload
    }

    package func encodedV2Compressed() -> [UInt8] {
        let body = Zlib.deflated(encodedV2())
        var bytes: [UInt8] = []
        Self.append(Self.compressedCookie, to: &bytes)
        Self.append(UInt32(body.count), to: &bytes)
        return bytes + body
    }

    /// The compressed form as Base64: what results hold.
    package var base64: String { Base64.encode(encodedV2Compressed()) }

    /// Reads either form. Least, greatest and sum then come from the slots.
    package init(decodingV2 bytes: [UInt8]) throws(WireError) {
        var reader = Reader(bytes: bytes)
        let cookie = try reader.integer(UInt32.self)
        if cookie == Self.compressedCookie {
            let length = Int(try reader.integer(UInt32.self))
            guard bytes.count - reader.index >= length else { throw .truncated }
            guard
                let plain = Zlib.inflated(
                    bytes[reader.index..<reader.index + length], limit: Self.plainLimit)
            else { throw .damaged }
            guard plain.count >= 4, plain[3] == UInt8(truncatingIfNeeded: Self.plainCookie) else {
                throw .notV2
            }
            try self.init(decodingV2: plain)
            return
        }
        guard cookie == Self.plainCookie else { throw .notV2 }
        let length = Int(try reader.integer(UInt32.self))
        let offset = try reader.integer(UInt32.self)
        let digits = try reader.integer(UInt32.self)
        let lowest = try reader.integer(UInt64.self)
        let highest = try reader.integer(UInt64.self)
        _ = try reader.integer(UInt64.self)
        guard offset == 0, digits == UInt32(HDRSlots.significantDigits),
            lowest == UInt64(HDRSlots.lowestDiscernible),
            highest == UInt64(HDRSlots.highestTrackable)
        else { throw .otherConfiguration }
        guard bytes.count - reader.index >= length else { throw .truncated }
        let end = reader.index + length
        var slots: [(slot: Int, count: UInt64)] = []
        var slot = 0
        var total: UInt64 = 0
        while reader.index < end {
            let value = try reader.zigZag(before: end)
            if value < 0 {
                guard value >= -Int64(HDRSlots.count) else { throw .damaged }
                slot += Int(-value)
            } else {
                // Slots hold 48 bits; a total that large is no measurement.
                guard slot < HDRSlots.count, value < 1 << 48 else { throw .damaged }
                total += UInt64(value)
                if value > 0 { slots.append((slot, UInt64(value))) }
                slot += 1
            }
            guard slot <= HDRSlots.count, total < 1 << 48 else { throw .damaged }
        }
        self.init(slots: slots)
    }

    package init(base64 text: String) throws(WireError) {
        guard let bytes = Base64.decode(text) else { throw .damaged }
        try self.init(decodingV2: bytes)
    }

    // MARK: Numbers

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private static func appendZigZag(_ value: Int64, to bytes: inout [UInt8]) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        for _ in 0..<8 {
            if rest < 0x80 {
                bytes.append(UInt8(rest))
                return
            }
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        mutating func integer<Number: FixedWidthInteger>(_: Number.Type) throws(WireError)
            -> Number
        {
            let width = Number.bitWidth / 8
            guard bytes.count - index >= width else { throw .truncated }
            var value: Number = 0
            for _ in 0..<width {
                value = value << 8 | Number(bytes[index])
                index += 1
            }
            return value
        }

        mutating func zigZag(before end: Int) throws(WireError) -> Int64 {
            var raw: UInt64 = 0
            for place in 0..<9 {
                guard index < end else { throw .truncated }
                let byte = bytes[index]
                index += 1
                if place == 8 {
                    raw |= UInt64(byte) << 56
                } else {
                    raw |= UInt64(byte & 0x7f) << UInt64(7 * place)
                    if byte < 0x80 { break }
                }
            }
            return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
        }
    }
}
