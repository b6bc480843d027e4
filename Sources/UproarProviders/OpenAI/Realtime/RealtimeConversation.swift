import UproarCore

/// The items of one realtime conversation, in order; a bounded number, the oldest leave first.
struct RealtimeConversation {
    struct Item {
        var id: String
        /// As clients see it.
        var json: JSONValue
        /// What it says to the model; nil for nothing.
        var message: ChatCompletionRequest.Message?
        /// Of sound in it.
        var audio = Duration.zero
    }

    private(set) var items: [Item] = []
    private static let limit = 1_000

    subscript(_ id: String) -> Item? { items.first { $0.id == id } }

    var last: String? { items.last?.id }
    var messages: [ChatCompletionRequest.Message] { items.compactMap(\.message) }
    /// One token for 100 ms of the user's sound, one for 50 ms of the assistant's.
    var audioTokens: Int {
        items.reduce(0) { sum, item in
            let step: Int64 = item.message?.role == .assistant ? 50 : 100
            return sum + Int(item.audio.inWholeMilliseconds / step)
        }
    }

    /// The id of the item before it, or nil when it is the first.
    ///
    /// - previous: after which; nil for the end, `root` for the beginning. False when there is no such item.
    mutating func insert(_ item: Item, after previous: String? = nil) -> Bool {
        if items.count == Self.limit { items.removeFirst() }
        switch previous {
        case nil: items.append(item)
        case "root": items.insert(item, at: 0)
        case let id?:
            guard let place = items.firstIndex(where: { $0.id == id }) else { return false }
            items.insert(item, at: place + 1)
        }
        return true
    }

    func previous(of id: String) -> String? {
        guard let place = items.firstIndex(where: { $0.id == id }), place > 0 else { return nil }
        return items[place - 1].id
    }

    mutating func replace(_ item: Item) {
        if let place = items.firstIndex(where: { $0.id == item.id }) { items[place] = item }
    }

    /// False when there is no such item.
    mutating func remove(_ id: String) -> Bool {
        guard let place = items.firstIndex(where: { $0.id == id }) else { return false }
        items.remove(at: place)
        return true
    }

    /// The words behind the sound leave with it, as at the vendor. False when there is no such item.
    mutating func truncate(_ id: String, to length: Duration) -> Bool {
        guard let place = items.firstIndex(where: { $0.id == id }),
            items[place].message?.role == .assistant
        else { return false }
        items[place].audio = min(items[place].audio, length)
        return true
    }
}

extension Duration {
    var inWholeMilliseconds: Int64 { nanoseconds / 1_000_000 }
}
