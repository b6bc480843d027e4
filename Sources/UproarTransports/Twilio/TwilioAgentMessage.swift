import UproarCore
import UproarWire

/// What an agent sends on a media stream. Anything else is Twilio's error 31924: the stream is stopped.
enum TwilioAgentMessage: Hashable {
    /// Audio to play; its bytes were appended to the buffer that was handed in.
    case media
    case mark(String)
    case clear

    static var mediaShapes: JSONShapes {
        JSONShapes(where: "event", is: "media", at: "media", "payload")
    }

    /// Reads one text message; nil for one that is not for this stream. Media allocates nothing once `audio` is warm.
    ///
    /// - shapes: what knows media messages by those before (`mediaShapes`).
    static func decode(
        _ message: RawSpan, _ shapes: inout JSONShapes, on address: borrowing StreamAddress,
        audio: inout [UInt8]
    ) throws(TwilioStreamError) -> TwilioAgentMessage? {
        if let payload = shapes.string(in: message) {
            guard address.isOn(message, payload: payload) else { return nil }
            guard Base64.decode(message.extracting(payload), into: &audio) else {
                throw TwilioStreamError(problem: "a payload that is no Base64")
            }
            return .media
        }
        if JSONScanner.holds(message, at: "event", "media") {
            guard let payload = JSONScanner.string(message, at: "media", "payload") else {
                throw TwilioStreamError(problem: "media without a payload")
            }
            guard address.isOn(message, payload: payload.range) else { return nil }
            // An escaped slash is valid JSON within Base64, and rare.
            let text = JSONScanner.unescaped(message, payload) ?? "\\"
            let isAudio = Base64.decode(text.utf8Span.span.bytes, into: &audio)
            guard isAudio else { throw TwilioStreamError(problem: "a payload that is no Base64") }
            return .media
        }
        if JSONScanner.holds(message, at: "event", "clear") {
            return address.isOn(message) ? .clear : nil
        }
        if JSONScanner.holds(message, at: "event", "mark") {
            guard let text = JSONScanner.string(message, at: "mark", "name"),
                let name = JSONScanner.unescaped(message, text)
            else { throw TwilioStreamError(problem: "a mark without a name") }
            return address.isOn(message) ? .mark(name) : nil
        }
        guard let text = JSONScanner.string(message, at: "event"),
            let event = JSONScanner.unescaped(message, text)
        else { throw TwilioStreamError(problem: "a message that is no event") }
        throw TwilioStreamError(
            problem: "unknown event '\(event.prefix(40))'; media, mark and clear are allowed")
    }
}

/// Twilio error 31924, "Stream - Websocket - Protocol Error": malformed or unsupported message.
struct TwilioStreamError: Error, Hashable, CustomStringConvertible {
    var problem: String
    var description: String { "31924 stream protocol error: \(problem)" }
}
