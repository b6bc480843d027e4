import UproarCore

/// What an agent can do to its caller, whatever carries the call. Verbs are gathered until `flush`.
protocol CallChannel: AnyObject {
    /// What it carries, both ways.
    var format: AudioFormat { get }
    /// Queues audio at the far end; any length.
    func play(_ audio: RawSpan)
    /// The far end sends it back when what was queued before it has been played, or dropped.
    func mark(_ name: String)
    /// Empties the far end's queue.
    func clear()
    func hangUp()
    /// Says that there will be text instead of voice; false where the channel shows nothing.
    func fallBackToText(_ text: String) -> Bool
    /// Shows text instead of speaking it, where the channel shows any.
    func show(_ text: String)
    /// Sends what was said since the last time.
    func flush()
}

/// What a caller does to the agent. Called on the loop, never from within a verb of the channel.
protocol CallChannelHandler: AnyObject {
    /// Audio as it arrived, any length.
    func heard(_ audio: RawSpan, at now: Instant)
    func heardMark(_ name: String, at now: Instant)
    func heardDigit(_ digit: String, at now: Instant)
    /// The caller shows a picture: a frame of a shared screen.
    func saw(_ picture: Picture, at now: Instant)
    /// The caller typed instead of speaking.
    func read(_ text: String, at now: Instant)
    /// The call is over. Called once, last. `isOrderly` when the far end said so before it went.
    func ended(isOrderly: Bool, at now: Instant)
}

/// How a call introduces itself.
struct CallIntroduction: Hashable {
    var call: String
    var channel = "phone"
    /// Custom parameters, in order.
    var parameters: [JSONValue.Member] = []

    func parameter(_ name: String) -> String? {
        guard let text = parameters.last(where: { $0.key == name })?.value.text, !text.isEmpty
        else { return nil }
        return text
    }

    /// The session to resume or to begin.
    var session: String { parameter("session_id") ?? call }
    /// Whose tasks they are.
    var person: String { parameter("user_id") ?? parameter("from_number") ?? session }
    var isKnown: Bool { parameter("session_id") != nil }
}
