import UproarCore

/// Which end of a WebSocket this is: the client masks what it sends, the server must not (RFC 6455 §5.1).
package enum WebSocketRole: Hashable, Sendable {
    case client
    case server
}

/// The frame kinds of RFC 6455 §11.8.
package enum WebSocketOpcode: UInt8, Hashable, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xa

    package var isControl: Bool { rawValue & 0x8 != 0 }
}

/// Writes frames (RFC 6455 §5.2) at the end of a buffer of the caller's. No allocation once that buffer is warm.
package enum WebSocketFrame {
    /// The largest payload of a control frame (§5.5).
    package static let controlLimit = 125
    /// The most a header takes: 2 bytes, 8 of length, 4 of mask.
    package static let headerLimit = 14

    /// Appends one frame. `mask` is the client's fresh key for this frame, nil for a server.
    ///
    /// Control frames must be whole (`isFinal`) and hold at most `controlLimit` bytes.
    package static func encode(
        _ opcode: WebSocketOpcode, _ payload: RawSpan, mask: UInt32?, isFinal: Bool = true,
        into output: inout [UInt8]
    ) {
        let count = payload.byteCount
        output.reserveRoom(for: headerLimit + count)
        encodeHeader(opcode, count: count, mask: mask, isFinal: isFinal, into: &output)
        let start = output.count
        payload.withUnsafeBytes { output.append(contentsOf: $0) }
        if let mask { applyMask(mask, to: &output, from: start) }
    }

    /// Appends one frame whose payload `body` appends itself: exactly `count` bytes. Saves building it elsewhere first.
    package static func encode(
        _ opcode: WebSocketOpcode, count: Int, mask: UInt32?, into output: inout [UInt8],
        _ body: (inout [UInt8]) -> Void
    ) {
        output.reserveRoom(for: headerLimit + count)
        encodeHeader(opcode, count: count, mask: mask, isFinal: true, into: &output)
        let start = output.count
        body(&output)
        precondition(output.count == start + count, "the payload is not as long as its header says")
        if let mask { applyMask(mask, to: &output, from: start) }
    }

    private static func encodeHeader(
        _ opcode: WebSocketOpcode, count: Int, mask: UInt32?, isFinal: Bool,
        into output: inout [UInt8]
    ) {
        precondition(
            !opcode.isControl || (isFinal && count <= controlLimit),
            "a control frame is whole and holds at most 125 bytes")
        output.append(opcode.rawValue | (isFinal ? 0x80 : 0))
        let masked: UInt8 = mask == nil ? 0 : 0x80
        if count <= 125 {
            output.append(masked | UInt8(count))
        } else if count <= 0xffff {
            output.append(masked | 126)
            output.append(UInt8(count >> 8))
            output.append(UInt8(truncatingIfNeeded: count))
        } else {
            output.append(masked | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        }
        if let mask {
            for shift in stride(from: 24, through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: mask >> shift))
            }
        }
    }

    /// XORs everything from `start` on with the key; the same again takes the mask off (§5.3).
    package static func applyMask(_ mask: UInt32, to bytes: inout [UInt8], from start: Int) {
        bytes.withUnsafeMutableBytes { applyMask(mask, to: .init(rebasing: $0[start...])) }
    }

    /// The key's first wire byte is its highest: `0x01020304` masks the first byte with 1.
    package static func applyMask(_ mask: UInt32, to bytes: UnsafeMutableRawBufferPointer) {
        guard let address = bytes.baseAddress else { return }
        let word = UInt64(mask.bigEndian) | UInt64(mask.bigEndian) << 32
        let count = bytes.count
        var index = 0
        let words = SIMD4<UInt64>(repeating: word)
        while index &+ 32 <= count {
            let value = (address + index).loadUnaligned(as: SIMD4<UInt64>.self) ^ words
            (address + index).storeBytes(of: value, as: SIMD4<UInt64>.self)
            index &+= 32
        }
        while index &+ 8 <= count {
            let value = (address + index).loadUnaligned(as: UInt64.self) ^ word
            (address + index).storeBytes(of: value, as: UInt64.self)
            index &+= 8
        }
        while index < count {
            let key = UInt8(truncatingIfNeeded: mask >> UInt32(24 &- 8 &* (index & 3)))
            let value = (address + index).load(as: UInt8.self) ^ key
            (address + index).storeBytes(of: value, as: UInt8.self)
            index &+= 1
        }
    }
}

extension WebSocketFrame {
    /// Copies `count` bytes and takes the mask off on the way; returns all of them or-ed together in 64-bit words, by which plain
    /// ASCII is known: no byte of it has its highest bit. `key` is as it lies in memory.
    static func unmask(
        _ source: UnsafeRawPointer, count: Int, key: UInt32, to target: UnsafeMutableRawPointer
    ) -> UInt64 {
        let word = UInt64(key) | UInt64(key) << 32
        let words = SIMD4<UInt64>(repeating: word)
        var seen = SIMD4<UInt64>.zero
        var index = 0
        while index &+ 32 <= count {
            let value = (source + index).loadUnaligned(as: SIMD4<UInt64>.self) ^ words
            (target + index).storeBytes(of: value, as: SIMD4<UInt64>.self)
            seen |= value
            index &+= 32
        }
        var rest = seen[0] | seen[1] | seen[2] | seen[3]
        while index &+ 8 <= count {
            let value = (source + index).loadUnaligned(as: UInt64.self) ^ word
            (target + index).storeBytes(of: value, as: UInt64.self)
            rest |= value
            index &+= 8
        }
        while index < count {
            let value =
                (source + index).load(as: UInt8.self)
                ^ UInt8(truncatingIfNeeded: key >> UInt32(8 &* (index & 3)))
            (target + index).storeBytes(of: value, as: UInt8.self)
            rest |= UInt64(value)
            index &+= 1
        }
        return rest
    }
}

extension [UInt8] {
    /// Room for `count` more bytes, growing by doubling: a bare `reserveCapacity` grows by just what is asked and
    /// then again for the next frame.
    mutating func reserveRoom(for count: Int) {
        let needed = self.count + count
        if needed > capacity { reserveCapacity(Swift.max(needed, capacity * 2)) }
    }
}
