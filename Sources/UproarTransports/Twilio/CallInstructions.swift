import UproarCore
import UproarRuntime
import UproarWire

/// What an agent's voice webhook wants done with a call, read from its TwiML (Twilio, "TwiML Voice: `<Connect>`, `<Stream>`").
package enum CallInstructions: Hashable, Sendable {
    /// `<Connect><Stream url="…">` with its `<Parameter>`s in order.
    case stream(url: WireURL, parameters: [HTTPField])
    /// `<Redirect>`: ask there. Absolute, or relative to where the document came from.
    case redirect(String)

    package struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// Verbs that only make the caller hear something before the next: nobody measures them.
    private static let passedOver = ["Say", "Play", "Pause", "Echo", "Record"]

    package init(_ document: [UInt8]) throws(Problem) {
        let root: MarkupElement
        do { root = try MarkupParser.parse(document) } catch {
            throw Problem(description: "the webhook's answer is no TwiML: \(error)")
        }
        guard root.name == "Response" else {
            throw Problem(
                description: "the webhook's answer is no TwiML: its root is <\(root.name)>")
        }
        for verb in root.children where !Self.passedOver.contains(verb.name) {
            switch verb.name {
            case "Connect":
                self = try Self.stream(in: verb)
                return
            case "Redirect":
                self = .redirect(Self.trimmed(verb.text))
                return
            case "Start":
                // A fork of the call's audio: the agent does not speak through it.
                continue
            case "Reject", "Hangup":
                throw Problem(description: "the webhook ends the call with <\(verb.name)>")
            default:
                throw Problem(
                    description:
                        "the webhook asks for <\(verb.name)>, which leads to no media stream; <Connect><Stream> does"
                )
            }
        }
        throw Problem(description: "the webhook's answer has no <Connect><Stream>")
    }

    private static func stream(in verb: MarkupElement) throws(Problem) -> CallInstructions {
        guard let stream = verb.children.first(where: { $0.name == "Stream" }) else {
            let inside = verb.children.first.map { "<\($0.name)>" } ?? "nothing"
            throw Problem(description: "<Connect> holds \(inside), not <Stream>")
        }
        guard let text = stream["url"], let url = try? WireURL(trimmed(text)),
            url.scheme == .ws || url.scheme == .wss
        else {
            throw Problem(
                description: "<Stream> has no ws:// or wss:// url: \"\(stream["url"] ?? "")\"")
        }
        let parameters = stream.children.filter { $0.name == "Parameter" }.compactMap { element in
            element["name"].map { HTTPField($0, element["value"] ?? "") }
        }
        return .stream(url: url, parameters: parameters)
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
