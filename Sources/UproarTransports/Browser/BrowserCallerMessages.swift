import UproarCore
import UproarRuntime

/// The text messages of a browser stream from the caller to the agent (`docs/browser-stream.md`).
enum BrowserCallerMessages {
    static let contentType = "audio/l16;rate=16000"

    /// The first message: what the audio is, and the caller's parameters beside it.
    static func connected(_ call: String, parameters: [HTTPField]) -> [UInt8] {
        var members: [JSONValue.Member] = [
            .init("event", "websocket:connected"), .init("content-type", .string(contentType)),
            .init("call_id", .string(call)),
        ]
        // The stream's own words are not the parameters' to change.
        let own = members.map(\.key)
        members += parameters.filter { !own.contains($0.name) }.map {
            .init($0.name, .string($0.value))
        }
        return JSONValue.object(members).encoded()
    }

    /// - recording: agreed to as well.
    static func consent(isGranted: Bool, recording: Bool) -> [UInt8] {
        var members: [JSONValue.Member] = [
            .init("event", "consent"), .init("granted", .bool(isGranted)),
        ]
        if recording { members.append(.init("recording", .bool(true))) }
        return JSONValue.object(members).encoded()
    }

    static func digit(_ digit: Character) -> [UInt8] {
        let message: JSONValue = [
            "event": "websocket:dtmf", "digit": .string(String(digit)), "duration": 100,
        ]
        return message.encoded()
    }

    static func notify(mark: String) -> [UInt8] {
        let message: JSONValue = [
            "event": "websocket:notify", "payload": ["mark": .string(mark)],
        ]
        return message.encoded()
    }

    static let cleared = Array(#"{"event":"websocket:cleared"}"#.utf8)

    static func image(_ picture: Picture) -> [UInt8] {
        var data: [UInt8] = []
        Base64.encode(picture.bytes.span.bytes, into: &data)
        let message: JSONValue = [
            "event": "image", "mime": .string(picture.mime),
            "data": .string(String(decoding: data, as: UTF8.self)),
        ]
        return message.encoded()
    }
}
