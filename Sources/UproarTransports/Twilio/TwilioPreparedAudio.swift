import UproarCore
import UproarRuntime

/// Frames as the part of a media message that all calls share: made once, then only copied.
///
///     ","payload":"<base64>"},"streamSid":"
final class TwilioPreparedAudio: PreparedAudio {
    let frameCount: Int
    /// Every fragment has the same length: frames have the same number of bytes.
    let fragmentCount: Int
    let fragments: [UInt8]
    private let frames: [UInt8]
    private let bytesPerFrame: Int

    init(_ frames: [UInt8], bytesPerFrame: Int) {
        precondition(
            !frames.isEmpty && frames.count % bytesPerFrame == 0,
            "\(frames.count) bytes are not whole frames of \(bytesPerFrame)")
        frameCount = frames.count / bytesPerFrame
        self.frames = frames
        self.bytesPerFrame = bytesPerFrame
        var output: [UInt8] = []
        for frame in 0..<frameCount {
            output.append(contentsOf: #"","payload":""#.utf8)
            let range = frame * bytesPerFrame..<(frame + 1) * bytesPerFrame
            Base64.encode(frames.span.bytes.extracting(range), into: &output)
            output.append(contentsOf: #""},"streamSid":""#.utf8)
        }
        fragments = output
        fragmentCount = output.count / frameCount
    }

    func samples(ofFrame frame: Int) -> ArraySlice<UInt8> {
        frames[frame * bytesPerFrame..<(frame + 1) * bytesPerFrame]
    }
}
