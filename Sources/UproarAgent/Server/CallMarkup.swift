import UproarCore
import UproarWire

/// What Twilio is told to do with a call, as TwiML.
///
///     /voice        <Connect><Stream>, then, where there is a number for hand-offs, <Redirect> to
///     /voice/after  <Dial> for a call that was handed off, <Hangup> for every other
enum CallMarkup {
    static let afterPath = "/voice/after"

    /// `<Connect><Stream>` to where the request came in (Twilio, "TwiML <Stream>"). Twilio itself only dials `wss`.
    static func connect(_ head: HTTPRequestHead, _ settings: AgentSettings) -> [UInt8] {
        let host = head.headers["Host"] ?? "localhost"
        let isSecure = head.headers["X-Forwarded-Proto"] == "https"
        let url = "\(isSecure ? "wss" : "ws")://\(host)\(settings.mediaPath)"
        var verbs = #"<Connect><Stream url="\#(escaped(url))"/></Connect>"#
        // Whatever follows the stream would come after every call: which it was is asked for then.
        if !settings.handOffNumber.isEmpty { verbs += "<Redirect>\(afterPath)</Redirect>" }
        return response(verbs)
    }

    /// - takeHandOff: whether the call of this `CallSid` was handed off; asked once for each.
    static func after(
        _ form: [UInt8], _ settings: AgentSettings, takeHandOff: (String) -> Bool
    ) -> [UInt8] {
        guard !settings.handOffNumber.isEmpty,
            let call = FormParameters(parsing: form)["CallSid"],
            takeHandOff(call)
        else { return response("<Hangup/>") }
        return response("<Dial>\(escaped(settings.handOffNumber))</Dial>")
    }

    private static func response(_ verbs: String) -> [UInt8] {
        Array(
            (#"<?xml version="1.0" encoding="UTF-8"?>"# + "\n<Response>\(verbs)</Response>").utf8)
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}
