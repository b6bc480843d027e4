import UproarCore

/// Writes bodies of unknown length (RFC 9112 §7.1). No allocation once the buffer is warm.
package enum HTTPChunk {
    /// Appends one chunk. Empty bytes append nothing: an empty chunk would end the body.
    package static func write(_ bytes: RawSpan, into output: inout [UInt8]) {
        let count = bytes.byteCount
        guard count > 0 else { return }
        output.reserveRoom(for: count + 20)
        var shift = (63 - count.leadingZeroBitCount) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: count >> shift & 15)
            output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            shift -= 4
        }
        output.append(0x0d)
        output.append(0x0a)
        bytes.withUnsafeBytes { output.append(contentsOf: $0) }
        output.append(0x0d)
        output.append(0x0a)
    }

    /// Appends the last chunk and the trailers.
    package static func writeEnd(trailers: HTTPHeaders = [:], into output: inout [UInt8]) {
        output.append(contentsOf: "0\r\n".utf8)
        trailers.write(into: &output)
    }
}
