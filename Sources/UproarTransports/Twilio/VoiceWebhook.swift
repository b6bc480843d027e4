import UproarCore
import UproarRuntime
import UproarWire

/// The request that Twilio makes when a call comes in (Twilio, "Request parameters": voice webhook).
package struct VoiceWebhook: Sendable {
    package var url: WireURL
    /// Signs the request (`X-Twilio-Signature`) when not nil.
    package var authToken: String?
    /// Takes the place of the `<Stream>`'s own address; its parameters stay.
    package var streamURL: WireURL?

    package init(url: WireURL, authToken: String? = nil, streamURL: WireURL? = nil) {
        precondition(url.scheme == .http || url.scheme == .https, "a webhook is no \(url.scheme)")
        self.url = url
        self.authToken = authToken
        self.streamURL = streamURL
    }

    /// Who is called: a number of the range that is kept for fiction.
    static let called = "+15555550100"

    /// Stable for a caller: the number in the caller's `user_id`, where it has one.
    static func number(of setup: CallSetup) -> String {
        let name = setup.parameters.first { $0.name == "user_id" }?.value ?? ""
        let digits = name.utf8.reversed().prefix { (0x30...0x39).contains($0) }.count
        let written = String(decoding: name.utf8.suffix(min(7, digits)), as: UTF8.self)
        let number = written.isEmpty ? String(setup.call) : written
        return "+1555" + String(repeating: "0", count: max(0, 7 - number.utf8.count)) + number
    }

    /// - method: `POST`, or `GET` after a redirect: then the parameters stand in the query.
    func request(
        _ setup: CallSetup, identity: TwilioIdentity, at url: WireURL, method: String = "POST"
    ) -> HTTPRequest {
        let number = Self.number(of: setup)
        let form = [
            HTTPField("AccountSid", identity.account), HTTPField("ApiVersion", "2010-04-01"),
            HTTPField("CallSid", identity.call), HTTPField("CallStatus", "ringing"),
            HTTPField("Called", Self.called), HTTPField("Caller", number),
            HTTPField("Direction", "inbound"), HTTPField("From", number),
            HTTPField("To", Self.called),
        ]
        var parameters = FormParameters()
        for field in form { parameters.add(field.name, field.value) }
        let isPost = method == "POST"
        var request = HTTPRequest(
            method: method, url: (isPost ? url : url.adding(parameters)).description,
            headers: [
                HTTPField("User-Agent", "TwilioProxy/1.1"), HTTPField("Accept", "*/*"),
            ], body: isPost ? Array(parameters.encoded.utf8) : [])
        if isPost {
            request.headers.insert(
                HTTPField("Content-Type", "application/x-www-form-urlencoded"), at: 0)
        }
        if let authToken {
            request.headers.append(
                HTTPField(
                    TwilioSignature.header,
                    TwilioSignature.sign(
                        url: request.url, form: isPost ? form : [], token: authToken)))
        }
        request.deadlines.connect = setup.limit
        request.deadlines.total = setup.limit
        return request
    }

    /// An address in a TwiML document, which may be relative to where the document came from.
    static func resolved(_ text: String, against base: WireURL) -> WireURL? {
        if let url = try? WireURL(text) {
            return url.scheme == .http || url.scheme == .https ? url : nil
        }
        guard !text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        let folder = base.path.prefix(through: base.path.lastIndex(of: "/") ?? base.path.startIndex)
        let path = text.hasPrefix("/") ? text : folder + text
        return try? WireURL("\(base.scheme.rawValue)://\(base.authority)\(path)")
    }
}
