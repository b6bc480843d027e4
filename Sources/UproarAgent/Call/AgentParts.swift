import UproarCore
import UproarRuntime

/// What an agent works with: one set for each loop.
package struct AgentParts {
    package var loop: EventLoop
    package var network: any Network
    /// Nil only where the settings say `echo`.
    package var speechToText: (any SpeechToText)?
    package var languageModel: (any LanguageModel)?
    package var textToSpeech: (any TextToSpeech)?
    /// Nil: sessions and tasks live no longer than their call.
    package var sessions: (any SessionStore)?
    package var tasks: (any TaskStore)?

    package init(
        loop: EventLoop, network: any Network, speechToText: (any SpeechToText)? = nil,
        languageModel: (any LanguageModel)? = nil, textToSpeech: (any TextToSpeech)? = nil,
        sessions: (any SessionStore)? = nil, tasks: (any TaskStore)? = nil
    ) {
        self.loop = loop
        self.network = network
        self.speechToText = speechToText
        self.languageModel = languageModel
        self.textToSpeech = textToSpeech
        self.sessions = sessions
        self.tasks = tasks
    }
}
