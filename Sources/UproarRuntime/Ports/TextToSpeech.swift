import UproarCore

/// Speaks: text in pieces, audio as it is made.
package protocol TextToSpeech: AnyObject {
    var provider: ProviderID { get }
    /// One connection for one call; it may be shared or pooled behind this. Replies are spoken on it one after another.
    func open(_ settings: TextToSpeechSettings, handler: any VoiceHandler) -> any VoiceStream
}

package struct TextToSpeechSettings: Hashable, Sendable {
    package var format: AudioFormat
    package var voice: String
    package var language: String
    package var connectDeadline: Duration
    package init(
        format: AudioFormat, voice: String, language: String = "en",
        connectDeadline: Duration = .seconds(2)
    ) {
        self.format = format
        self.voice = voice
        self.language = language
        self.connectDeadline = connectDeadline
    }
}

package protocol VoiceStream: AnyObject {
    /// Adds text to the reply `reply` (a number of the agent's own, rising). The first piece of a number begins it.
    func speak(_ text: String, reply: Int)
    /// No more text will come for this reply.
    func finishText(reply: Int)
    /// Drops what has not been made; no more events of this reply follow.
    func cancel(reply: Int)
    func close()
}

package protocol VoiceHandler: AnyObject {
    func opened(_ stream: any VoiceStream)
    /// Audio in the settings' format, in order, faster than real time.
    func received(audio: RawSpan, reply: Int, on stream: any VoiceStream)
    /// Word times from the start of the reply's audio, where the vendor gives them.
    func received(words: [SpokenWord], reply: Int, on stream: any VoiceStream)
    /// All audio of the reply has been received.
    func finished(reply: Int, on stream: any VoiceStream)
    /// `reply` is nil when the whole stream failed; then it is the last call.
    func failed(_ failure: ProviderFailure, reply: Int?, on stream: any VoiceStream)
}

package struct SpokenWord: Hashable, Sendable {
    package var text: String
    package var start: Duration
    package var end: Duration
    package init(text: String, start: Duration, end: Duration) {
        self.text = text
        self.start = start
        self.end = end
    }
}
