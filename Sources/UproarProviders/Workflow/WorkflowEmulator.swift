import UproarCore
import UproarRuntime
import UproarWire

/// A sink for the webhooks with which agents start workflows: takes any POST or PUT, tells deliveries from repetitions.
///
/// A delivery is named by its `Idempotency-Key`, or by the `id` of its JSON; one that comes again is answered as the first was.
/// `GET /deliveries` shows the latest.
package final class WorkflowEmulator: EmulatedService {
    package let provider = ProviderID.workflow
    private let context: EmulatorContext
    private let emulation: ProviderEmulation
    private var ordinal: UInt64 = 0
    private var deliveries = OrderedTable<String, Delivery>()
    package private(set) var deliveryCount = 0
    package private(set) var repetitionCount = 0

    private struct Delivery {
        var id: String
        var path: String
        var byteCount: Int
        var count: Int
        var at: Instant
    }

    /// What is remembered; an older delivery that comes again counts as new.
    private static let kept = 10_000
    private static let shown = 100

    package init(_ emulation: ProviderEmulation, context: EmulatorContext) {
        self.emulation = emulation
        self.context = context
    }

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        ordinal += 1
        guard isAllowed(request) else { return refused(401, "unauthorized", on: connection) }
        switch request.method {
        case "POST", "PUT": break
        case "GET" where request.segments.last == "deliveries":
            connection.respond(status: 200, json: list())
            return nil
        default: return refused(405, "method_not_allowed", on: connection)
        }
        let isJSON = request.headers.mediaType.map { $0.hasSuffix("json") } ?? false
        let json = isJSON ? try? JSONParser.parse(body) : nil
        guard !isJSON || json != nil else { return refused(400, "invalid_json", on: connection) }
        let delivery = take(request, body, json, at: instant)
        let answer: JSONValue = [
            "id": .string(delivery.id), "status": "accepted",
            "duplicate": .bool(delivery.count > 1),
        ]
        return TimedAnswer(
            202, headers: ["Content-Type": "application/json"], body: answer.encoded(),
            after: context.firstContent(
                connection.entry?.timing?.first ?? emulation.latency, "workflow latency", ordinal,
                of: provider, reference: nil, fields: connection.fields),
            provider: provider, context: context, connection: connection)
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        _ = refused(404, "not_found", on: connection)
        return nil
    }

    /// Without named keys nobody need show one: hooks often carry their secret in the path.
    private func isAllowed(_ request: HTTPRequestHead) -> Bool {
        guard case .only = context.keys else { return true }
        let bearer = request.headers["Authorization"].map {
            $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : $0
        }
        return context.keys.accepts(request.headers["X-API-Key"] ?? bearer)
    }

    private func take(
        _ request: HTTPRequestHead, _ body: [UInt8], _ json: JSONValue?, at instant: Instant
    ) -> Delivery {
        let name =
            request.headers["Idempotency-Key"] ?? json?["id"]?.text ?? json?["event_id"]?.text
        let key = name ?? "#\(ordinal)"
        if var known = deliveries[key] {
            known.count += 1
            repetitionCount += 1
            deliveries[key] = known
            stated(json, count: known.count, at: instant)
            return known
        }
        let delivery = Delivery(
            id: context.uuid("workflow delivery", ordinal), path: request.path,
            byteCount: body.count, count: 1, at: instant)
        if deliveries.count >= Self.kept, let oldest = deliveries.keys.first {
            deliveries[oldest] = nil
        }
        deliveries[key] = delivery
        deliveryCount += 1
        stated(json, count: 1, at: instant)
        return delivery
    }

    /// Pages to the person on call come here too: they say so themselves.
    private func stated(_ json: JSONValue?, count: Int, at instant: Instant) {
        context.state(
            .eventDelivered, of: provider, at: instant, value: Int64(count),
            detail: json?["event"]?.text == "page" ? 1 : 0)
    }

    private func list() -> JSONValue {
        let latest = zip(deliveries.keys, deliveries.values).suffix(Self.shown)
        return [
            "deliveries": JSONValue(deliveryCount), "repetitions": JSONValue(repetitionCount),
            "latest": .array(
                latest.map { key, delivery in
                    [
                        "key": .string(key), "id": .string(delivery.id),
                        "path": .string(delivery.path), "bytes": JSONValue(delivery.byteCount),
                        "times": JSONValue(delivery.count),
                        "at_ms": .integer(delivery.at.nanoseconds / 1_000_000),
                    ]
                }),
        ]
    }

    // MARK: Refusals

    package func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        _ = refused(
            status, HTTPResponseHead.reason(of: status), retryAfter: retryAfter, on: connection)
    }

    private func refused(
        _ status: Int, _ word: String, retryAfter: Duration? = nil,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        context[provider].refused += 1
        context.state(.providerRefused, of: provider, at: context.now, detail: UInt32(status))
        connection.respond(
            status: status, headers: RetryAfterField.headers(retryAfter),
            json: ["error": .string(word)])
        return nil
    }
}
