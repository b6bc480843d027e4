// sources: Sources/UproarTransports/Browser/BrowserAgentMessage.swift Sources/UproarAgent/Channels/BrowserStreamMessage.swift
// sources: Sources/UproarAgent/Channels/CallChannel.swift Sources/UproarProviders/Model/PictureCaption.swift
import UproarCore

/// Both readers of the browser stream, and the picture that a message may hold: whatever comes, no crash; what the one side's words
/// mean, the other's do not.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    let span = bytes.span.bytes
    let toAgent = BrowserStreamMessage.decode(span)
    _ = try? BrowserAgentMessage.decode(span)
    _ = PictureCaption.read(bytes)
    if case .picture(let picture) = toAgent {
        precondition(picture.bytes.count <= Picture.byteLimit)
        precondition(Picture(dataURL: picture.dataURL) == picture)
    }
    return 0
}
