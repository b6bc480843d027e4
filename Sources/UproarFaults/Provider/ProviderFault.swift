import UproarCore

/// A fault that a provider's emulator carries out: settings, and what they mean for what begins and for what is answered.
package protocol ProviderFault: Sendable {
    static var descriptor: FaultDescriptor { get }
    /// What one draw of `p` decides about unless the scope says.
    static var unit: FaultScope.Unit { get }
    init(_ attributes: FaultAttributes)
    /// What becomes of a request or connection that begins.
    func verdict(on passage: FaultPassage, _ random: inout RandomStream) -> ProviderVerdict
    /// How the answer goes wrong; nil: as it would.
    func shape(_ random: inout RandomStream) -> AnswerShape?
    /// What becomes of a stream that is open when the fault arms, or becomes its call's while it is armed; nil: it goes on.
    var endsOpenStreams: UInt16? { get }
    /// Added to the provider's own time to its first content, within its own measure of it.
    func extraLatency(_ random: inout RandomStream) -> Duration
    /// What a store makes of what it is given; nil: what it should.
    func defect(of operation: StorageOperation, _ random: inout RandomStream) -> StorageDefect?
}

extension ProviderFault {
    package static var unit: FaultScope.Unit { .request }
    package func verdict(on passage: FaultPassage, _ random: inout RandomStream) -> ProviderVerdict
    { .pass }
    package func shape(_ random: inout RandomStream) -> AnswerShape? { nil }
    package var endsOpenStreams: UInt16? { nil }
    package func extraLatency(_ random: inout RandomStream) -> Duration { .zero }
    package func defect(of operation: StorageOperation, _ random: inout RandomStream)
        -> StorageDefect?
    { nil }
}

/// Attributes that several provider faults share.
enum ProviderAttribute {
    static let openStreams = FaultDescriptor.Attribute(
        "open_streams", .word(["close", "keep"]),
        "What happens to WebSockets that are open: close (with 1011; the default) or keep.")
    static let afterChunks = FaultDescriptor.Attribute(
        "after_chunks", .integer(0...1_000_000), "After so many chunks with content.")
    static let afterBytes = FaultDescriptor.Attribute(
        "after_bytes", .bytes, "After so many bytes of content.")
    static let after = FaultDescriptor.Attribute(
        "after", .duration, "So long after the answer began.")
    static let position = [afterChunks, afterBytes, after]

    static func position(
        _ attributes: FaultAttributes, otherwise: AnswerShape.Position = .chunks(0)
    ) -> AnswerShape.Position {
        if let count = attributes.integer("after_chunks") { return .chunks(count) }
        if let count = attributes.number("after_bytes") { return .bytes(Int(count)) }
        if let time = attributes.duration("after") { return .time(time) }
        return otherwise
    }

    /// The roles whose providers are emulated with streams of content.
    static let streams = ["stt", "llm", "tts"] + names
    static let names = [
        "deepgram", "assemblyai", "whisper", "openai", "anthropic", "cartesia", "elevenlabs",
    ]
    /// The role of object stores, and the emulated one.
    static let stores = ["objects", "object_store"]
    static let all =
        streams + ["objects", "webhook", "object_store", "sms", "workflow"]
}
