import UproarCore
import UproarRuntime

/// What has been said, as the model is told and the session keeps. Bounded: the oldest turns leave first.
struct Conversation: Hashable, Sendable {
    let instructions: String
    /// In order; never starts with a tool's result.
    private(set) var messages: [ChatMessage] = []
    private let limit: Int

    /// `limit` is of messages, and positive.
    init(instructions: String, limit: Int = 60, messages: [ChatMessage] = []) {
        precondition(limit > 0, "a history of no messages")
        self.instructions = instructions
        self.limit = limit
        self.messages = messages
        trim()
    }

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
        if messages.count > limit { messages.removeFirst(messages.count - limit) }
        // A result without its call is an error to the model.
        while case .toolResult? = messages.first { messages.removeFirst() }
    }

    private static func trimmed(_ text: String) -> String {
        guard let first = text.firstIndex(where: { !$0.isWhitespace }),
            let last = text.lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(text[first...last])
    }
}
