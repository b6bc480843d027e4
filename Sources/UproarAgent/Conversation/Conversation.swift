import UproarCore
import UproarRuntime

/// What has been said, as the model is told and the session keeps. Bounded: the oldest turns leave first.
struct Conversation: Hashable, Sendable {
    let instructions: String
    /// In order; never starts with a tool's result.
    private(set) var messages: [ChatMessage] = []
    private let limit: Int
    /// The place of the first message. Places count what has been said in this call, and stay when old messages leave.
    private var first: Int

    /// `limit` is of messages, and positive; `earlier` are those of a call before.
    init(
        instructions: String, limit: Int = 60, earlier: [ChatMessage] = [],
        messages: [ChatMessage] = []
    ) {
        precondition(limit > 0, "a history of no messages")
        self.instructions = instructions
        self.limit = limit
        first = -earlier.count
        self.messages = earlier + messages
        trim()
    }

    /// The place of what is said next.
    var end: Int { first + messages.count }

    mutating func heardCaller(_ text: String) { append(.caller(text)) }

    /// What the caller heard of the agent; nothing when that is nothing.
    mutating func spoke(_ text: String) {
        let text = Self.trimmed(text)
        if !text.isEmpty { append(.agent(text)) }
    }

    mutating func calledTools(_ calls: [ToolCall], results: [ChatMessage]) {
        append(.toolCalls(calls))
        for result in results { append(result) }
    }

    /// The same, of tools that were called at `place` and whose results come when more has been said: a model takes results at the end
    /// for an answer to the latest words. Nothing, when that place has left the history.
    mutating func calledTools(_ calls: [ToolCall], results: [ChatMessage], at place: Int) {
        guard place >= first else { return }
        messages.insert(contentsOf: [.toolCalls(calls)] + results, at: min(place, end) - first)
        trim()
    }

    /// What to send for a reply to `text`; nil when the caller's words are in the history already.
    func request(about text: String? = nil) -> [ChatMessage] {
        let known = [.system(instructions)] + messages
        return text.map { known + [.caller($0)] } ?? known
    }

    private mutating func append(_ message: ChatMessage) {
        messages.append(message)
        trim()
    }

    private mutating func trim() {
        var left = max(0, messages.count - limit)
        // A result without its call is an error to the model.
        while left < messages.count, case .toolResult = messages[left] { left += 1 }
        messages.removeFirst(left)
        first += left
    }

    private static func trimmed(_ text: String) -> String {
        guard let first = text.firstIndex(where: { !$0.isWhitespace }),
            let last = text.lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(text[first...last])
    }
}
