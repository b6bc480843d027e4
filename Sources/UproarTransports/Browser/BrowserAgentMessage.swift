import UproarCore
import UproarWire

/// The text messages that an agent sends on a browser stream, as the caller reads them (`docs/browser-stream.md`). Audio comes as
/// binary messages beside them.
enum BrowserAgentMessage: Hashable {
    /// The agent asks before the microphone opens; what the person reads.
    case consent(String, wantsRecording: Bool)
    /// Comes back to the agent when what was queued before it has been played.
    case notify(mark: String)
    case clear
    case fallbackToText(String)
    case text(String)

    static func decode(_ message: RawSpan) throws(BrowserStreamError) -> BrowserAgentMessage {
        let bytes = message.withUnsafeBytes { Array($0) }
        guard let json = try? JSONParser.parse(bytes), json.members != nil else {
            throw BrowserStreamError(problem: "a text message that is no JSON object")
        }
        if let action = json["action"]?.text {
            switch action {
            case "clear": return .clear
            case "notify":
                guard let mark = json["payload"]?["mark"]?.text else {
                    throw BrowserStreamError(problem: "a notify without payload.mark")
                }
                return .notify(mark: mark)
            default: throw BrowserStreamError(problem: "unknown action '\(action.prefix(40))'")
            }
        }
        guard let event = json["event"]?.text else {
            throw BrowserStreamError(problem: "a message that is neither event nor action")
        }
        let text = json["text"]?.text
        switch event {
        case "consent":
            return .consent(text ?? "", wantsRecording: json["recording"]?.isTrue ?? false)
        case "fallback_to_text", "text":
            guard let text else { throw BrowserStreamError(problem: "\(event) without a text") }
            return event == "text" ? .text(text) : .fallbackToText(text)
        default: throw BrowserStreamError(problem: "unknown event '\(event.prefix(40))'")
        }
    }
}

/// What an agent said that no browser stream holds: the stream is closed with 1002.
struct BrowserStreamError: Error, Hashable, CustomStringConvertible {
    var problem: String
    var description: String { "browser stream: \(problem)" }
}
