import UproarCore
import UproarWire

/// What a browser tells an agent in text messages (`docs/browser-stream.md`), as the agent reads it. Audio comes as binary messages.
///
/// The caller's side of the same protocol, in UproarTransports, reads and writes the other direction; the two share no code, so
/// neither can hide the other's mistakes.
enum BrowserStreamMessage: Hashable {
    /// - contentType: of the audio, as the browser says it.
    case connected(CallIntroduction, contentType: String)
    /// - mayRecord: the person agrees to a recording too.
    case consent(isGranted: Bool, mayRecord: Bool = false)
    case digit(String)
    /// What was queued before this mark has been played, or dropped.
    case mark(String)
    case cleared
    case picture(Picture)
    /// Typed instead of spoken.
    case text(String)
    /// Malformed, or an event yet to come: counted, and otherwise ignored.
    case unknown

    static func decode(_ message: RawSpan) -> BrowserStreamMessage {
        let bytes = message.withUnsafeBytes { Array($0) }
        guard let json = try? JSONParser.parse(bytes), let event = json["event"]?.text else {
            return .unknown
        }
        switch event {
        case "websocket:connected":
            guard let contentType = json["content-type"]?.text else { return .unknown }
            return .connected(introduction(json), contentType: contentType)
        case "consent":
            let mayRecord = json["recording"]?.isTrue ?? false
            return json["granted"]?.isTrue.map {
                .consent(isGranted: $0, mayRecord: mayRecord)
            } ?? .unknown
        case "websocket:dtmf":
            let digit = json["digit"]?.text ?? json["dtmf"]?["digit"]?.text
            return digit.map { .digit($0) } ?? .unknown
        case "websocket:notify":
            return json["payload"]?["mark"]?.text.map { .mark($0) } ?? .unknown
        case "websocket:cleared": return .cleared
        case "image": return picture(json)
        case "text":
            guard let text = json["text"]?.text, !text.isEmpty else { return .unknown }
            return .text(text)
        default: return .unknown
        }
    }

    private static func introduction(_ json: JSONValue) -> CallIntroduction {
        let own = ["event", "content-type", "call_id", "channel"]
        var introduction = CallIntroduction(
            call: json["call_id"]?.text ?? "",
            parameters: (json.members ?? []).filter { !own.contains($0.key) })
        introduction.channel =
            json["channel"]?.text == "screen_share" ? "screen_share" : "browser"
        return introduction
    }

    /// The kind is told by the bytes, whatever the browser calls it.
    private static func picture(_ json: JSONValue) -> BrowserStreamMessage {
        var bytes: [UInt8] = []
        guard let data = json["data"]?.text, Base64.decode(data.utf8Span.span.bytes, into: &bytes),
            bytes.count <= Picture.byteLimit, let picture = Picture(bytes)
        else { return .unknown }
        return .picture(picture)
    }
}

/// What an agent sends on a browser stream beside the audio.
enum BrowserStreamWriter {
    /// Asks before the microphone opens.
    static func consent(_ text: String, isRecording: Bool) -> [UInt8] {
        let message: JSONValue = [
            "event": "consent", "text": .string(text), "recording": .bool(isRecording),
        ]
        return message.encoded()
    }

    static func mark(_ name: String) -> [UInt8] {
        let message: JSONValue = ["action": "notify", "payload": ["mark": .string(name)]]
        return message.encoded()
    }

    static let clear = Array(#"{"action":"clear"}"#.utf8)

    static func fallbackToText(_ text: String) -> [UInt8] {
        let message: JSONValue = ["event": "fallback_to_text", "text": .string(text)]
        return message.encoded()
    }

    static func text(_ text: String) -> [UInt8] {
        let message: JSONValue = ["event": "text", "text": .string(text)]
        return message.encoded()
    }
}
