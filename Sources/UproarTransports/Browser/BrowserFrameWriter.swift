import UproarCore
import UproarRuntime
import UproarWire

/// Writes one frame of audio as a masked binary WebSocket message into a buffer that all calls of a loop share.
///
///     0x82 │ 0xfe │ length │ mask │ 640 bytes of s16le, masked
struct BrowserFrameWriter {
    /// RFC 6455 §5.2: two bytes, a 16-bit length, the mask.
    private static let headerCount = 8
    private var buffer: [UInt8] = []

    /// The frame just composed.
    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result { body(buffer.span.bytes) }
    var count: Int { buffer.count }

    mutating func compose(_ audio: BrowserPreparedAudio, frame: Int, mask: UInt32) {
        precondition(frame >= 0 && frame < audio.frameCount, "no frame \(frame) was prepared")
        let length = audio.bytesPerFrame
        precondition((126...0xffff).contains(length), "a frame of \(length) bytes")
        let count = Self.headerCount + length
        if buffer.count != count { buffer = [UInt8](repeating: 0, count: count) }
        buffer.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            base.storeBytes(of: 0x82, toByteOffset: 0, as: UInt8.self)
            base.storeBytes(of: 0x80 | 126, toByteOffset: 1, as: UInt8.self)
            base.storeBytes(of: UInt16(length).bigEndian, toByteOffset: 2, as: UInt16.self)
            base.storeBytes(of: mask.bigEndian, toByteOffset: 4, as: UInt32.self)
            let payload = UnsafeMutableRawBufferPointer(
                start: base + Self.headerCount, count: length)
            audio.frames.withUnsafeBytes {
                payload.copyMemory(
                    from: .init(rebasing: $0[frame * length..<(frame + 1) * length]))
            }
            WebSocketFrame.applyMask(mask, to: payload)
        }
    }
}

/// Frames as they are: only the mask differs between calls.
final class BrowserPreparedAudio: PreparedAudio {
    let frames: [UInt8]
    let bytesPerFrame: Int
    let frameCount: Int

    init(_ frames: [UInt8], bytesPerFrame: Int) {
        precondition(
            !frames.isEmpty && frames.count % bytesPerFrame == 0,
            "\(frames.count) bytes are not whole frames of \(bytesPerFrame)")
        self.frames = frames
        self.bytesPerFrame = bytesPerFrame
        frameCount = frames.count / bytesPerFrame
    }

    func samples(ofFrame frame: Int) -> ArraySlice<UInt8> {
        frames[frame * bytesPerFrame..<(frame + 1) * bytesPerFrame]
    }
}

/// A picture as the text message that shows it.
final class BrowserPreparedPicture: PreparedPicture {
    let message: [UInt8]
    init(_ picture: Picture) { message = BrowserCallerMessages.image(picture) }
}
