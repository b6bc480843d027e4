import CZlib

/// The zlib format (RFC 1950), whole buffers only. The C functions are `compress2` and `uncompress`.
enum Zlib {
    static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        var length = compressBound(uLong(bytes.count))
        var output = [UInt8](repeating: 0, count: Int(length))
        let status = compress2(&output, &length, bytes, uLong(bytes.count), Z_DEFAULT_COMPRESSION)
        precondition(status == Z_OK, "compress2 into \(output.count) bytes says \(status)")
        output.removeLast(output.count - Int(length))
        return output
    }

    /// nil when the bytes are damaged or would grow beyond `limit`.
    static func inflated(_ bytes: ArraySlice<UInt8>, limit: Int) -> [UInt8]? {
        var length = uLong(limit)
        var status = Z_OK
        // Most histograms are far smaller than the limit: nothing is cleared beforehand.
        let output = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            status = bytes.withUnsafeBufferPointer { source in
                uncompress(buffer.baseAddress, &length, source.baseAddress, uLong(source.count))
            }
            count = status == Z_OK ? Int(length) : 0
        }
        return status == Z_OK ? output : nil
    }
}
