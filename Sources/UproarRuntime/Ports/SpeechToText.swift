import UproarCore

/// Hears speech: one stream per call (or per utterance, where the vendor has no streams).
package protocol SpeechToText: AnyObject {
    var provider: ProviderID { get }
    /// Has no streams: it is sent one whole utterance, and says all of it at once.
    var hearsWholeUtterances: Bool { get }
    /// Starts a stream; the handler hears of it on the loop, never before this returns.
    func open(_ settings: SpeechToTextSettings, handler: any SpeechToTextHandler)
        -> any SpeechToTextStream
}

extension SpeechToText {
    package var hearsWholeUtterances: Bool { false }
}

package struct SpeechToTextSettings: Hashable, Sendable {
    package var format: AudioFormat
    package var language: String
    /// Silence after which the provider itself ends an utterance; nil leaves it to `finishUtterance`.
    package var endpointing: Duration?
    package var connectDeadline: Duration
    package init(
        format: AudioFormat, language: String = "en", endpointing: Duration? = nil,
        connectDeadline: Duration = .seconds(2)
    ) {
        self.format = format
        self.language = language
        self.endpointing = endpointing
        self.connectDeadline = connectDeadline
    }
}

package protocol SpeechToTextStream: AnyObject {
    /// Audio in the settings' format, any length.
    func send(audio: RawSpan)
    /// Asks for the final result of what was sent (the caller has stopped).
    func finishUtterance()
    /// Ends the stream in order.
    func close()
}

package protocol SpeechToTextHandler: AnyObject {
    func opened(_ stream: any SpeechToTextStream)
    func heard(_ transcript: Transcript, on stream: any SpeechToTextStream)
    /// The stream failed or ended. Called once, last; not after `close`.
    func failed(_ failure: ProviderFailure, on stream: any SpeechToTextStream)
}

/// A result for a window of the audio.
package struct Transcript: Hashable, Sendable {
    package var text: String
    /// The window is closed; what follows is another one.
    package var isFinal: Bool
    /// The provider heard the end of the utterance.
    package var endsUtterance: Bool
    package var confidence: Double
    /// Of the audio sent on this stream.
    package var start: Duration
    package var duration: Duration
    package init(
        text: String, isFinal: Bool, endsUtterance: Bool, confidence: Double = 1,
        start: Duration = .zero, duration: Duration = .zero
    ) {
        self.text = text
        self.isFinal = isFinal
        self.endsUtterance = endsUtterance
        self.confidence = confidence
        self.start = start
        self.duration = duration
    }
}

/// Why a provider did not do its work.
package enum ProviderFailure: Error, Hashable, Sendable {
    case unreachable(String)
    /// An HTTP status instead of the service; seconds of `retry-after` where given.
    case refused(status: Int, body: String, retryAfter: Duration?)
    /// A WebSocket close the client did not ask for.
    case closed(code: Int, reason: String)
    /// A deadline passed: `connect`, `first byte`, `stall`.
    case timedOut(String)
    case cut
    case malformed(String)
    /// The provider said so inside the stream.
    case reported(String)
    /// A success without content.
    case empty
}
