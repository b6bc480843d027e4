import UproarCore
import UproarRuntime
import UproarWire

/// Deepgram's live API as a server: `GET /v1/listen` over WebSocket.
package final class DeepgramEmulator: EmulatedService {
    package struct Settings: Hashable, Sendable {
        /// From the arrival of the last voiced sample to the final result.
        package var latency: Distribution
        /// Streams at once; one more is answered 429. nil: no limit.
        package var concurrencyLimit: Int?

        package init(
            latency: Distribution = .lognormal(p50: .milliseconds(60), p95: .milliseconds(110)),
            concurrencyLimit: Int? = nil
        ) {
            self.latency = latency
            self.concurrencyLimit = concurrencyLimit
        }
    }

    package let provider = ProviderID.deepgram
    let context: EmulatorContext
    let settings: Settings
    let vocabulary: SpeechVocabulary
    private var ordinal: UInt64 = 0
    private var streams = 0

    package init(
        vocabulary: SpeechVocabulary, settings: Settings, context: EmulatorContext
    ) {
        self.vocabulary = vocabulary
        self.settings = settings
        self.context = context
    }

    // MARK: EmulatedService

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        ordinal += 1
        let isListen = request.segments.suffix(2) == ["v1", "listen"]
        refuse(
            isListen ? .badRequest("This endpoint is spoken to by WebSocket.") : .unknownPath,
            on: connection, at: instant)
        return nil
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        do throws(DeepgramProblem) {
            guard request.segments.suffix(2) == ["v1", "listen"] else { throw .unknownPath }
            let subprotocol = try checkKey(request)
            let query: DeepgramQuery
            do { query = try DeepgramQuery(parsing: request.query) } catch {
                throw .badRequest(error.message)
            }
            if let limit = settings.concurrencyLimit, streams >= limit { throw .tooMany }
            let requestID = requestID()
            connection.acceptUpgrade(
                subprotocol: subprotocol, headers: ["dg-request-id": requestID])
            streams += 1
            return DeepgramSession(
                query, requestID: requestID, ordinal: ordinal, emulator: self,
                connection: connection, at: instant)
        } catch {
            refuse(error, on: connection, at: instant)
            return nil
        }
    }

    func left() { streams -= 1 }

    package func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        refuse(.status(status, retryAfter: retryAfter), on: connection, at: instant)
    }

    package func failure(_ request: HTTPRequestHead, status: Int) -> [UInt8] {
        let problem = DeepgramProblem.status(status)
        let json: JSONValue = [
            "type": "Error", "variant": .string(problem.code),
            "description": .string(problem.message), "message": .string(problem.message),
        ]
        return json.encoded()
    }

    /// The subprotocol to answer with: browsers cannot set headers and send the key as one
    /// (developers.deepgram.com, "Lower-level WebSockets").
    private func checkKey(_ request: HTTPRequestHead) throws(DeepgramProblem) -> String? {
        if let field = request.headers["Authorization"] {
            let parts = field.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, ["token", "bearer"].contains(parts[0].lowercased()),
                context.keys.accepts(String(parts[1]))
            else { throw .wrongKey }
            return nil
        }
        let offered = request.headers.list("Sec-WebSocket-Protocol")
        guard offered.count == 2, ["token", "bearer"].contains(offered[0].lowercased()),
            context.keys.accepts(offered[1])
        else { throw .wrongKey }
        return offered[0]
    }

    private func requestID() -> String { context.uuid("deepgram request", ordinal) }

    private func refuse(
        _ problem: DeepgramProblem, on connection: EmulatorConnection, at instant: Instant
    ) {
        context[provider].refused += 1
        context.state(
            .providerRefused, of: provider, at: instant, detail: UInt32(problem.status))
        let id = requestID()
        var headers: HTTPHeaders = ["dg-request-id": id, "dg-error": problem.message]
        if let retryAfter = problem.retryAfter {
            headers["retry-after"] = NumberText.fixed(retryAfter.inSeconds, 0)
        }
        connection.respond(
            status: problem.status, headers: headers, json: problem.json(requestID: id))
    }
}
