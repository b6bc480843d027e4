import UproarCore
import UproarRuntime
import UproarWire

/// Text messages over Twilio's REST API (twilio.com/docs/messaging/api/message-resource).
package final class TwilioMessagesClient: TextMessenger {
    private let url: String
    private let authorization: String
    private let sender: String
    private let deadline: Duration
    private let http: any HTTPClient

    /// - base: scheme and host: `https://api.twilio.com`.
    package init(
        base: String, account: String, token: String, sender: String,
        deadline: Duration = .seconds(5), http: any HTTPClient
    ) {
        url =
            (base.hasSuffix("/") ? String(base.dropLast()) : base)
            + "/2010-04-01/Accounts/\(PercentEncoding.encode(account))/Messages.json"
        authorization = "Basic " + Base64.encode(Array("\(account):\(token)".utf8))
        self.sender = sender
        self.deadline = deadline
        self.http = http
    }

    package func send(
        _ text: String, to number: String, then: @escaping (Result<Void, ProviderFailure>) -> Void
    ) {
        let form: FormParameters = ["To": number, "From": sender, "Body": text]
        var request = HTTPRequest(
            method: "POST", url: url,
            headers: [
                HTTPField("Authorization", authorization),
                HTTPField("Content-Type", "application/x-www-form-urlencoded"),
            ], body: Array(form.encoded.utf8))
        request.deadlines.connect = deadline
        request.deadlines.total = deadline
        StatusExchange(then).start(request, http)
    }
}
