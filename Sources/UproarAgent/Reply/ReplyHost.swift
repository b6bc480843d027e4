import UproarCore
import UproarRuntime

/// What a reply needs of its call.
protocol ReplyHost: AnyObject {
    var settings: AgentSettings { get }
    var loop: EventLoop { get }
    var voice: CallVoice? { get }
    var phrases: PhraseBook { get }
    /// What the call carries.
    var format: AudioFormat { get }

    /// False while something is being said that may not be cut.
    var maySpeak: Bool { get }

    /// A question to the models, not yet asked; nil when the agent has none.
    ///
    /// - since: when the caller's turn began to be thought about.
    func question(
        _ messages: [ChatMessage], since: Instant, handler: any ModelQuestionHandler
    ) -> ModelQuestion?
    /// The messages for a reply to `words`; nil when they are in the history.
    func messages(about words: String?) -> [ChatMessage]
    /// Whether these tools only look, so that they may run before it is known that the caller has finished.
    func onlyLooks(_ calls: [ToolCall]) -> Bool
    /// Runs the model's tools; `then` gets one result for each.
    func run(_ calls: [ToolCall], then: @escaping ([ChatMessage]) -> Void)
    /// Puts calls and results into the history.
    func keep(_ calls: [ToolCall], _ results: [ChatMessage])
    /// The place in the history of what is said next.
    var historyEnd: Int { get }
    /// Puts calls and results into the history at the place where they were made: the caller has gone on since.
    func keepLate(_ calls: [ToolCall], _ results: [ChatMessage], at place: Int)
    func used(_ usage: LanguageModelUsage, of model: String)
    /// The turn is the reply's, and its first audio is there.
    func answered(after time: Duration)
    /// Audio of a confirmed reply, to be sent now.
    func play(_ audio: RawSpan, of reply: Reply)
    /// All audio of the reply has been sent, or there is none.
    func completed(_ reply: Reply)
    /// The reply has words, and no voice to say them with.
    func speechless(_ reply: Reply, text: String)
    /// No model has answered.
    func thoughtless(_ reply: Reply)
}
