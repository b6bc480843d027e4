import UproarCore
import UproarRuntime

/// Where one emulated vendor's replies are made: formats and voices, how many at once, how fast.
package final class VoiceStudio {
    package let provider: ProviderID
    package let pace: VoicePump.Pace
    package let context: EmulatorContext
    private let firstByte: Distribution
    private let concurrencyLimit: Int?
    private let renderer: any VoiceRenderer
    private var tags: [VoiceFormat: TagVoice] = [:]
    private var ordinal: UInt64 = 0
    private var inWork = 0

    package init(
        _ provider: ProviderID, firstByte: Distribution, pace: VoicePump.Pace,
        concurrencyLimit: Int?, renderer: any VoiceRenderer, context: EmulatorContext
    ) {
        self.provider = provider
        self.firstByte = firstByte
        self.pace = pace
        self.concurrencyLimit = concurrencyLimit
        self.renderer = renderer
        self.context = context
    }

    /// Takes a place; false when all are taken. `leave` gives it back.
    package func enter() -> Bool {
        if let concurrencyLimit, inWork >= concurrencyLimit { return false }
        inWork += 1
        return true
    }

    package func leave() { inWork -= 1 }

    /// Replies in work now.
    package var count: Int { inWork }
    package var limit: Int? { concurrencyLimit }

    /// - call, earlier: what the connection's replies before have told. - entry: its line in the request log.
    package func reply(
        _ format: VoiceFormat, voice: String, bufferDelay: Duration, call: UInt32? = nil,
        earlier: TurnReference? = nil, entry: RequestEntry?
    ) -> VoiceReply {
        ordinal += 1
        let settings = VoiceReply.Settings(
            provider: provider, format: format, voice: voice, firstByte: firstByte,
            bufferDelay: bufferDelay, ordinal: ordinal, earlierReference: earlier, call: call,
            entry: entry)
        let voice = tags[format] ?? TagVoice(format)
        tags[format] = voice
        return VoiceReply(settings, tags: voice, renderer: renderer, context: context)
    }
}
