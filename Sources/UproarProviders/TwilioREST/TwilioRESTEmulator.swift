import UproarCore
import UproarRuntime
import UproarWire

/// Twilio's REST API as a server, as far as voice agents use it: text messages, and hanging calls up.
package final class TwilioRESTEmulator: EmulatedService {
    package let provider = ProviderID.sms
    private let context: EmulatorContext
    private let emulation: ProviderEmulation
    private var ordinal: UInt64 = 0
    /// The latest messages and the calls that were changed, by their ids; the oldest leave.
    private var messages = OrderedTable<String, JSONValue>()
    private var calls = OrderedTable<String, String>()

    private static let kept = 10_000

    package init(_ emulation: ProviderEmulation, context: EmulatorContext) {
        self.emulation = emulation
        self.context = context
    }

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        ordinal += 1
        do throws(TwilioProblem) {
            let (status, json) = try serve(request, body: body)
            return TimedAnswer(
                status,
                headers: ["Content-Type": "application/json", "Twilio-Request-Id": id("RQ")],
                body: json?.encoded() ?? [],
                after: context.firstContent(
                    connection.entry?.timing?.first ?? emulation.latency, "sms latency", ordinal,
                    of: provider, reference: nil, fields: connection.fields),
                provider: provider, context: context, connection: connection)
        } catch {
            refuse(error, on: connection)
            return nil
        }
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        refuse(.notFound(request.path), on: connection)
        return nil
    }

    private func serve(_ request: HTTPRequestHead, body: [UInt8]) throws(TwilioProblem) -> (
        Int, JSONValue?
    ) {
        // `2010-04-01/Accounts/AC…/Messages[/SM…].json`
        var path = request.segments[...]
        guard let place = path.firstIndex(of: "Accounts"), path.count >= place + 3 else {
            throw .notFound(request.path)
        }
        path = path[(place + 1)...]
        let account = path.removeFirst()
        try checkKey(request, account: account)
        var last = path.removeLast()
        if last.hasSuffix(".json") { last.removeLast(5) }
        let form = FormParameters(parsing: body)
        switch (request.method, path.first ?? last, path.isEmpty ? nil : last) {
        case ("POST", "Messages", nil): return (201, try send(form, account))
        case ("GET", "Messages", let sid?):
            guard let message = messages[sid] else { throw .notFound(request.path) }
            return (200, message)
        case ("POST", "Calls", let sid?): return (200, try change(sid, form, account))
        case ("GET", "Calls", let sid?): return (200, call(sid, account))
        default: throw .notFound(request.path)
        }
    }

    /// `Basic ACCOUNT:TOKEN`, or an API key (`SK…`) and its secret.
    private func checkKey(_ request: HTTPRequestHead, account: String) throws(TwilioProblem) {
        guard let field = request.headers["Authorization"],
            field.lowercased().hasPrefix("basic "),
            let bytes = Base64.decode(String(field.dropFirst(6)))
        else { throw .wrongKey }
        let halves = String(decoding: bytes, as: UTF8.self).split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, halves[0] == account || halves[0].hasPrefix("SK"),
            context.keys.accepts(String(halves[1]))
        else { throw .wrongKey }
    }

    /// An id in the vendor's form: two letters and 32 digits.
    private func id(_ letters: String) -> String {
        letters + OpenAIAnswer.identifier(context, "twilio id", ordinal, 32)
    }

    private func send(_ form: FormParameters, _ account: String) throws(TwilioProblem) -> JSONValue
    {
        let message = try TwilioMessage(form)
        let sid = id("SM")
        let date = JSONValue.string(UnixTime.mailText(context.unixSeconds, zone: "+0000"))
        let json: JSONValue = [
            "sid": .string(sid), "account_sid": .string(account),
            "messaging_service_sid": JSONValue(message.service), "to": .string(message.to),
            "from": JSONValue(message.from), "body": .string(message.body), "status": "queued",
            "num_segments": .string(String(message.segments)), "num_media": "0",
            "direction": "outbound-api", "api_version": "2010-04-01", "price": nil,
            "price_unit": "USD", "error_code": nil, "error_message": nil, "date_created": date,
            "date_sent": nil, "date_updated": date,
            "uri": .string("/2010-04-01/Accounts/\(account)/Messages/\(sid).json"),
            "subresource_uris": [
                "media": .string("/2010-04-01/Accounts/\(account)/Messages/\(sid)/Media.json")
            ],
        ]
        if messages.count >= Self.kept, let oldest = messages.keys.first { messages[oldest] = nil }
        messages[sid] = json
        context[provider].usage.characters += Int64(message.segments)
        context.state(
            .messageAccepted, of: provider, at: context.now, detail: UInt32(message.segments))
        return json
    }

    private func change(_ sid: String, _ form: FormParameters, _ account: String)
        throws(TwilioProblem) -> JSONValue
    {
        guard sid.hasPrefix("CA"), sid.count == 34 else {
            throw .notFound("/2010-04-01/Accounts/\(account)/Calls/\(sid).json")
        }
        if let status = form["Status"] {
            guard status == "completed" || status == "canceled" else {
                throw TwilioProblem(400, 21218, "Invalid CallStatus: \(status)")
            }
            // A call that is over cannot be ended again.
            guard calls[sid] == nil else {
                throw TwilioProblem(
                    400, 21220, "Call is not in-progress. Cannot redirect.")
            }
            if calls.count >= Self.kept, let oldest = calls.keys.first { calls[oldest] = nil }
            calls[sid] = status
        }
        return call(sid, account)
    }

    private func call(_ sid: String, _ account: String) -> JSONValue {
        [
            "sid": .string(sid), "account_sid": .string(account),
            "status": .string(calls[sid] ?? "in-progress"), "direction": "inbound",
            "api_version": "2010-04-01", "price_unit": "USD",
            "uri": .string("/2010-04-01/Accounts/\(account)/Calls/\(sid).json"),
        ]
    }

    // MARK: Refusals

    package func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        refuse(.status(status, request.path, retryAfter: retryAfter), on: connection)
    }

    package func answerEmpty(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) {
        connection.respond(status: 200, json: .object([]))
    }

    private func refuse(_ problem: TwilioProblem, on connection: EmulatorConnection) {
        context[provider].refused += 1
        context.state(
            .providerRefused, of: provider, at: context.now, detail: UInt32(problem.status))
        connection.respond(
            status: problem.status, headers: RetryAfterField.headers(problem.retryAfter),
            json: problem.json)
    }
}
