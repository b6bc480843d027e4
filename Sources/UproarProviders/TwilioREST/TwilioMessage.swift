import UproarCore
import UproarWire

/// A text message as a client sends it: `POST …/Messages.json` (twilio.com/docs/messaging/api/message-resource).
package struct TwilioMessage: Hashable, Sendable {
    /// E.164: `+15551234567`.
    package var to: String
    /// A number, or nil when a messaging service chooses one.
    package var from: String?
    package var service: String?
    package var body: String

    package init(to: String, from: String, body: String) {
        self.to = to
        self.from = from
        self.body = body
    }

    /// The longest body the vendor takes, in characters.
    package static let bodyLimit = 1600

    package init(_ form: FormParameters) throws(TwilioProblem) {
        guard let to = form["To"], !to.isEmpty else {
            throw TwilioProblem(400, 21604, "A 'To' phone number is required.")
        }
        guard Self.isNumber(to) else {
            throw TwilioProblem(400, 21211, "The 'To' number \(to) is not a valid phone number.")
        }
        from = form["From"]
        service = form["MessagingServiceSid"]
        guard from != nil || service != nil else {
            throw TwilioProblem(
                400, 21603, "A 'From' number or 'MessagingServiceSid' is required.")
        }
        if let from, !Self.isNumber(from), from.utf8.count > 11 || from.isEmpty {
            throw TwilioProblem(
                400, 21212, "The 'From' number \(from) is not a valid phone number.")
        }
        body = form["Body"] ?? ""
        guard !body.isEmpty || form["MediaUrl"] != nil || form["ContentSid"] != nil else {
            throw TwilioProblem(400, 21602, "Message body is required.")
        }
        guard body.unicodeScalars.count <= Self.bodyLimit else {
            throw TwilioProblem(
                400, 21617, "The concatenated message body exceeds the 1600 character limit")
        }
        self.to = to
    }

    package var form: FormParameters {
        var form: FormParameters = ["To": to]
        if let from { form.add("From", from) }
        if let service { form.add("MessagingServiceSid", service) }
        form.add("Body", body)
        return form
    }

    private static func isNumber(_ text: String) -> Bool {
        let digits = text.dropFirst()
        return text.hasPrefix("+") && (7...15).contains(digits.count)
            && digits.allSatisfy { ("0"..."9").contains($0) } && digits.first != "0"
    }

    /// How many texts a carrier makes of it: 160 characters of GSM 03.38 (153 in parts), or 70 (67) of anything else.
    package var segments: Int {
        var units = 0
        var isGSM = true
        for scalar in body.unicodeScalars {
            if Self.basic.contains(scalar) {
                units += 1
            } else if Self.extended.contains(scalar) {
                units += 2
            } else {
                isGSM = false
                break
            }
        }
        if !isGSM { units = body.utf16.count }
        let (single, part) = isGSM ? (160, 153) : (70, 67)
        return units <= single ? 1 : (units + part - 1) / part
    }

    private static let basic = Set(
        "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
            .unicodeScalars)
    private static let extended = Set("^{}\\[~]|€".unicodeScalars)
}

/// An answer that is no success: `{"code","message","more_info","status"}` (twilio.com/docs/api/errors).
package struct TwilioProblem: Error, Hashable, Sendable {
    package var status: Int
    package var code: Int
    package var message: String
    package var retryAfter: Duration?

    package init(_ status: Int, _ code: Int, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    package var json: JSONValue {
        [
            "code": JSONValue(code), "message": .string(message),
            "more_info": .string("https://www.twilio.com/docs/errors/\(code)"),
            "status": JSONValue(status),
        ]
    }

    package static let wrongKey = TwilioProblem(401, 20003, "Authenticate")

    package static func notFound(_ path: String) -> TwilioProblem {
        TwilioProblem(404, 20404, "The requested resource \(path) was not found")
    }

    /// What the vendor would say with this status.
    package static func status(_ status: Int, _ path: String, retryAfter: Duration? = nil)
        -> TwilioProblem
    {
        var problem =
            switch status {
            case 401: wrongKey
            case 404: notFound(path)
            case 429: TwilioProblem(429, 20429, "Too Many Requests")
            case 500...: TwilioProblem(status, 20500, "An internal server error has occurred")
            default: TwilioProblem(status, 20001, "The request was refused.")
            }
        problem.retryAfter = retryAfter
        return problem
    }
}
