import UproarCore

/// Thinks: a streaming chat completion.
package protocol LanguageModel: AnyObject {
    var provider: ProviderID { get }
    /// Starts a reply; the handler hears of it on the loop, never before this returns.
    func start(_ request: LanguageModelRequest, handler: any LanguageModelHandler)
        -> any LanguageModelReply
}

package protocol LanguageModelReply: AnyObject {
    /// Closes the request; the handler hears no more of it.
    func cancel()
}

package protocol LanguageModelHandler: AnyObject {
    func received(text: String, on reply: any LanguageModelReply)
    /// A complete tool call; several may come before `finished`.
    func received(toolCall: ToolCall, on reply: any LanguageModelReply)
    /// Exactly one of `finished` and `failed` comes, last.
    func finished(_ usage: LanguageModelUsage, reason: String, on reply: any LanguageModelReply)
    func failed(_ failure: ProviderFailure, on reply: any LanguageModelReply)
}

package struct LanguageModelRequest: Hashable, Sendable {
    package var model: String
    package var messages: [ChatMessage]
    package var tools: [ToolDeclaration]
    package var deadlines: HTTPDeadlines
    package init(
        model: String, messages: [ChatMessage], tools: [ToolDeclaration] = [],
        deadlines: HTTPDeadlines = HTTPDeadlines()
    ) {
        self.model = model
        self.messages = messages
        self.tools = tools
        self.deadlines = deadlines
    }
}

package enum ChatMessage: Hashable, Sendable {
    case system(String)
    case caller(String)
    /// The caller's words with a picture that they are about.
    case callerShowing(String, Picture)
    case agent(String)
    /// The agent asked for tools.
    case toolCalls([ToolCall])
    case toolResult(id: String, content: String)
}

package struct ToolCall: Hashable, Sendable {
    package var id: String
    package var name: String
    /// JSON text, as the model wrote it.
    package var arguments: String
    package init(id: String, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

package struct ToolDeclaration: Hashable, Sendable {
    package var name: String
    package var summary: String
    /// JSON Schema of the arguments.
    package var parameters: JSONValue
    package init(name: String, summary: String, parameters: JSONValue) {
        self.name = name
        self.summary = summary
        self.parameters = parameters
    }
}

package struct LanguageModelUsage: Hashable, Sendable {
    package var promptTokens: Int
    package var completionTokens: Int
    package init(promptTokens: Int = 0, completionTokens: Int = 0) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
    }
}
