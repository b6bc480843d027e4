import UproarCore

/// What a call's stream speaks.
enum MediaWire: Hashable {
    /// Twilio Media Streams: mu-law in JSON.
    case twilio
    /// `docs/browser-stream.md`: binary PCM and JSON events.
    case browser

    var format: AudioFormat { self == .twilio ? .telephone : .browser }
    /// Who calls over it, for messages.
    var channel: String { self == .twilio ? "phone" : "browser" }

    /// The format that a stream says it carries: Twilio's `audio/x-mulaw;rate=8000;channels=1`, a browser's
    /// `audio/l16;rate=16000`; nil for words that are no format of ours.
    static func format(_ contentType: String) -> AudioFormat? {
        var parts = contentType.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
        guard !parts.isEmpty else { return nil }
        let encoding: AudioEncoding
        switch parts.removeFirst() {
        case "audio/x-mulaw", "audio/pcmu": encoding = .mulaw
        case "audio/x-alaw", "audio/pcma": encoding = .alaw
        case "audio/l16", "audio/x-l16": encoding = .linear16
        default: return nil
        }
        var rate = 8000
        for part in parts {
            let pair = part.split(separator: "=").map(String.init)
            guard pair.count == 2, let value = Int(pair[1]) else { return nil }
            switch pair[0] {
            case "rate": rate = value
            case "channels": guard value == 1 else { return nil }
            default: break
            }
        }
        return (1...384_000).contains(rate) ? AudioFormat(encoding, Hertz(rate)) : nil
    }
}
