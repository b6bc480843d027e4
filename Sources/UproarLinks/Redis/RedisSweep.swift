import UproarCore
import UproarRuntime
import UproarWire

/// Removes every key of a Redis, and goes when that is answered.
final class RedisSweep: ByteStreamHandler {
    var stream: (any ByteStream)?

    func opened(_ stream: any ByteStream) {
        var bytes: [UInt8] = []
        RESPCommand.write(["FLUSHALL"], into: &bytes)
        stream.write(bytes.span.bytes)
    }

    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) { stream.close() }

    func closed(_ stream: any ByteStream, reason: CloseReason) { self.stream = nil }
}
