import UproarCore

/// Conversations by the id of their last response, for `previous_response_id`: a bounded number, the oldest leave first.
struct ResponsesShelf {
    private var conversations: [String: [ChatCompletionRequest.Message]] = [:]
    private var order: [String] = []
    private var oldest = 0

    private static let limit = 4_096
    /// Of one conversation: a longer one forgets its beginning.
    private static let messageLimit = 256

    subscript(_ id: String) -> [ChatCompletionRequest.Message]? { conversations[id] }

    mutating func keep(_ messages: [ChatCompletionRequest.Message], as id: String) {
        if order.count < Self.limit {
            order.append(id)
        } else {
            conversations[order[oldest]] = nil
            order[oldest] = id
            oldest = (oldest + 1) % Self.limit
        }
        conversations[id] = messages.suffix(Self.messageLimit)
    }
}
