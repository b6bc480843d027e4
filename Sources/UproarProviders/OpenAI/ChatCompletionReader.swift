import UproarCore
import UproarRuntime

/// Puts a streamed answer together from its chunks: text as it comes, tool calls once they are whole.
package struct ChatCompletionReader: Sendable {
    package enum Event: Hashable, Sendable {
        case text(String)
        case toolCall(ToolCall)
        /// The provider said so inside the stream; nothing of use follows.
        case failed(ProviderFailure)
    }

    package private(set) var usage = LanguageModelUsage()
    /// `stop`, `length`, `tool_calls`, …; nil until the provider said it.
    package private(set) var finishReason: String?
    /// The stream came to its own end.
    package private(set) var isDone = false
    /// Text or a tool call has come.
    package private(set) var hasContent = false
    private var calls: [(index: Int, call: ToolCall)] = []

    /// In every chunk of an answer the same, and of no interest.
    private static let envelope: [StaticString] = [
        "object", "created", "model", "service_tier", "system_fingerprint", "logprobs",
        "obfuscation", "prompt_tokens_details", "completion_tokens_details",
    ]

    package init() {}

    /// Takes the data of one event. Unknown members are skipped.
    package mutating func receive(_ data: String) -> [Event] {
        if data == "[DONE]" {
            isDone = true
            return []
        }
        let chunk: JSONValue
        do { chunk = try JSONParser.parse(data, without: Self.envelope) } catch {
            return [.failed(.malformed(error.description))]
        }
        if let problem = chunk["error"], !problem.isNull {
            return [.failed(.reported(problem["message"]?.text ?? problem.text(pretty: false)))]
        }
        if let counts = chunk["usage"], !counts.isNull {
            usage = LanguageModelUsage(
                promptTokens: counts["prompt_tokens"]?.int ?? 0,
                completionTokens: counts["completion_tokens"]?.int ?? 0)
        }
        guard let choice = chunk["choices"]?[0] else { return [] }
        var events: [Event] = []
        if let text = choice["delta"]?["content"]?.text, !text.isEmpty {
            hasContent = true
            events.append(.text(text))
        }
        for fragment in choice["delta"]?["tool_calls"]?.items ?? [] {
            events += receive(toolCall: fragment)
        }
        if let reason = choice["finish_reason"]?.text {
            finishReason = reason
            events += takeCalls(before: .max)
        }
        return events
    }

    private mutating func receive(toolCall fragment: JSONValue) -> [Event] {
        let index = fragment["index"]?.int ?? 0
        let finished = takeCalls(before: index)
        let function = fragment["function"]
        if let place = calls.firstIndex(where: { $0.index == index }) {
            calls[place].call.arguments += function?["arguments"]?.text ?? ""
        } else {
            let call = ToolCall(
                id: fragment["id"]?.text ?? "", name: function?["name"]?.text ?? "",
                arguments: function?["arguments"]?.text ?? "")
            calls.append((index, call))
        }
        return finished
    }

    /// The fragments of one call come together: the next index ends the one before.
    private mutating func takeCalls(before index: Int) -> [Event] {
        let finished = calls.filter { $0.index < index }
        calls.removeAll { $0.index < index }
        if !finished.isEmpty { hasContent = true }
        return finished.map { .toolCall($0.call) }
    }
}
