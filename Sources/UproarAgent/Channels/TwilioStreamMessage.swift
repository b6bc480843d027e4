import UproarCore
import UproarWire

/// What Twilio sends on a media stream (Twilio, "Media Streams – WebSocket Messages"), as an agent reads it.
///
/// The caller's side of the same protocol, in UproarTransports, reads and writes the other direction; the two share no code, so
/// neither can hide the other's mistakes.
enum TwilioStreamMessage: Hashable {
    case connected
    /// - carries: the media format, as `audio/x-mulaw;rate=8000;channels=1`; empty where the stream does not say.
    case start(stream: String, CallIntroduction, carries: String)
    case digit(String)
    case mark(String)
    case stop
    /// Malformed, or an event yet to come: counted, and otherwise ignored.
    case unknown

    /// What knows media messages by those before.
    static var mediaShapes: JSONShapes {
        JSONShapes(where: "event", is: "media", at: "media", "payload")
    }

    /// Caller audio, appended to `audio`; nothing is allocated once that is warm. False, with `audio` as it was, for any other
    /// message, and for media whose payload is no plain Base64.
    static func decodeMedia(
        _ message: RawSpan, _ shapes: inout JSONShapes, into audio: inout [UInt8]
    ) -> Bool {
        guard let payload = shapes.string(in: message) else { return false }
        return Base64.decode(message.extracting(payload), into: &audio)
    }

    /// Reads one text message that is not media.
    static func decode(_ message: RawSpan) -> TwilioStreamMessage {
        let bytes = message.withUnsafeBytes { Array($0) }
        guard let json = try? JSONParser.parse(bytes) else { return .unknown }
        switch json["event"]?.text {
        case "connected": return .connected
        case "start":
            guard let start = json["start"], let stream = start["streamSid"]?.text,
                let call = start["callSid"]?.text
            else { return .unknown }
            return .start(
                stream: stream,
                CallIntroduction(
                    call: call, parameters: start["customParameters"]?.members ?? []),
                carries: carried(start["mediaFormat"]))
        case "dtmf": return json["dtmf"]?["digit"]?.text.map { .digit($0) } ?? .unknown
        case "mark": return json["mark"]?["name"]?.text.map { .mark($0) } ?? .unknown
        case "stop": return .stop
        default: return .unknown
        }
    }

    private static func carried(_ format: JSONValue?) -> String {
        guard let format, let encoding = format["encoding"]?.text else { return "" }
        // Some speak of numbers as texts.
        func number(_ key: String) -> String {
            format[key]?.int.map { String($0) } ?? format[key]?.text ?? ""
        }
        var text = encoding
        if !number("sampleRate").isEmpty { text += ";rate=" + number("sampleRate") }
        if !number("channels").isEmpty { text += ";channels=" + number("channels") }
        return text
    }
}

/// What an agent sends on a media stream.
struct TwilioStreamWriter {
    private let mediaHead: [UInt8]
    private let stream: String
    private static let mediaTail = Array(#""}}"#.utf8)

    init(stream: String) {
        self.stream = stream
        var head = Array(#"{"event":"media","streamSid":"#.utf8)
        JSONValue.write(stream, into: &head)
        head.append(contentsOf: #","media":{"payload":""#.utf8)
        mediaHead = head
    }

    /// The bytes of a media message with so much audio.
    func mediaCount(_ audio: RawSpan) -> Int {
        mediaHead.count + Base64.encodedCount(audio.byteCount) + Self.mediaTail.count
    }

    func media(_ audio: RawSpan, into output: inout [UInt8]) {
        output.append(contentsOf: mediaHead)
        Base64.encode(audio, into: &output)
        output.append(contentsOf: Self.mediaTail)
    }

    func mark(_ name: String) -> [UInt8] {
        let message: JSONValue = [
            "event": "mark", "streamSid": .string(stream), "mark": ["name": .string(name)],
        ]
        return message.encoded()
    }

    func clear() -> [UInt8] {
        let message: JSONValue = ["event": "clear", "streamSid": .string(stream)]
        return message.encoded()
    }
}
