import UproarCore
import UproarWire

/// Writes a media message, WebSocket frame and mask included, into one buffer that all calls of a loop share.
///
///     0x81 │ 0xfe │ length │ mask │ {"event":"media","sequenceNumber":"4","media":{"track":"inbound",
///                                    "chunk":"2","timestamp":"20","payload":"…"},"streamSid":"MZ…"}
///
/// The part from `payload` to `streamSid` is `TwilioPreparedAudio`'s; nothing is allocated.
struct TwilioMediaWriter {
    /// What ends every media message of one call, `MZ…"}`, in place: each call has its own, and none stays in the cache.
    struct Closing {
        private var bytes = InlineArray<62, UInt8>(repeating: 0)
        let count: UInt8

        init(stream: String) {
            let text = Array(#"\#(stream)"}"#.utf8)
            precondition(text.count <= 62, "a stream's name of \(text.count - 2) bytes")
            count = UInt8(text.count)
            for index in text.indices { bytes[index] = text[index] }
        }

        func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            bytes.span.withUnsafeBytes { body(.init(rebasing: $0[..<Int(count)])) }
        }
    }

    // Static strings lie in the program itself: to use an array would retain it each time, for each frame.
    private static let opening: StaticString = #"{"event":"media","sequenceNumber":""#
    private static let chunkKey: StaticString = #"","media":{"track":"inbound","chunk":""#
    private static let timestampKey: StaticString = #"","timestamp":""#
    /// RFC 6455 §5.2: two bytes, a 16-bit length, the mask.
    private static let headerCount = 8
    /// Digits of the largest 64-bit number.
    private static let numberLimit = 20

    private var buffer: [UInt8] = []
    /// How much of the buffer the frame just composed takes.
    private(set) var count = 0

    /// The frame just composed.
    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        body(buffer.span.bytes.extracting(0..<count))
    }

    mutating func compose(
        _ audio: TwilioPreparedAudio, frame: Int, sequence: UInt64, chunk: UInt64,
        milliseconds: UInt64, closing: Closing, mask: UInt32
    ) {
        precondition(frame >= 0 && frame < audio.frameCount, "no frame \(frame) was prepared")
        let most =
            Self.headerCount + Self.opening.utf8CodeUnitCount
            + Self.chunkKey.utf8CodeUnitCount + Self.timestampKey.utf8CodeUnitCount
            + 3 * Self.numberLimit + audio.fragmentCount + Int(closing.count)
        precondition(most <= 0xffff, "a frame of \(audio.fragmentCount) bytes of text is too long")
        if buffer.count < most { buffer = [UInt8](repeating: 0, count: most) }
        count = buffer.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            var cursor = base + Self.headerCount
            func append(_ part: UnsafeRawBufferPointer) {
                guard let source = part.baseAddress else { return }
                cursor.copyMemory(from: source, byteCount: part.count)
                cursor += part.count
            }
            func append(_ text: StaticString) {
                append(.init(start: text.utf8Start, count: text.utf8CodeUnitCount))
            }
            func append(_ number: UInt64) {
                cursor += Self.write(number, at: cursor)
            }
            append(Self.opening)
            append(sequence)
            append(Self.chunkKey)
            append(chunk)
            append(Self.timestampKey)
            append(milliseconds)
            audio.fragments.withUnsafeBytes {
                let start = frame * audio.fragmentCount
                append(.init(rebasing: $0[start..<start + audio.fragmentCount]))
            }
            closing.withUnsafeBytes { append($0) }

            let payload = UnsafeMutableRawBufferPointer(
                start: base + Self.headerCount, count: cursor - base - Self.headerCount)
            base.storeBytes(of: 0x81, toByteOffset: 0, as: UInt8.self)
            base.storeBytes(of: 0x80 | 126, toByteOffset: 1, as: UInt8.self)
            base.storeBytes(
                of: UInt16(payload.count).bigEndian, toByteOffset: 2, as: UInt16.self)
            base.storeBytes(of: mask.bigEndian, toByteOffset: 4, as: UInt32.self)
            WebSocketFrame.applyMask(mask, to: payload)
            return Self.headerCount + payload.count
        }
    }

    /// Writes a number in decimal digits; returns how many they are.
    private static func write(_ number: UInt64, at start: UnsafeMutableRawPointer) -> Int {
        var count = 1
        var limit: UInt64 = 10
        while number >= limit, count < numberLimit {
            count += 1
            limit = limit.multipliedReportingOverflow(by: 10).overflow ? .max : limit * 10
        }
        var rest = number
        var place = count
        while place > 0 {
            place &-= 1
            start.storeBytes(
                of: UInt8(truncatingIfNeeded: 0x30 &+ rest % 10), toByteOffset: place,
                as: UInt8.self)
            rest /= 10
        }
        return count
    }
}
