import UproarCore
import UproarRuntime
import UproarWire

/// AssemblyAI's streaming API as a server: `GET /v3/ws` over WebSocket.
package final class AssemblyAIEmulator: EmulatedService {
    package let provider = ProviderID.assemblyai
    let context: EmulatorContext
    let emulation: ProviderEmulation
    let vocabulary: SpeechVocabulary
    private var ordinal: UInt64 = 0
    private var sessions = 0

    package init(
        _ emulation: ProviderEmulation, vocabulary: SpeechVocabulary, context: EmulatorContext
    ) {
        self.emulation = emulation
        self.vocabulary = vocabulary
        self.context = context
    }

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        let isSocket = request.segments.suffix(2) == ["v3", "ws"]
        refuse(
            isSocket ? 400 : 404,
            isSocket ? "This endpoint is spoken to by WebSocket." : "Not found",
            at: instant, on: connection)
        return nil
    }

    /// Most refusals of this vendor are an accepted upgrade and a close code.
    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        guard request.segments.suffix(2) == ["v3", "ws"] else {
            refuse(404, "Not found", at: instant, on: connection)
            return nil
        }
        connection.acceptUpgrade()
        guard context.keys.accepts(Self.key(of: request)) else {
            return closing(
                .policyViolation,
                "Unauthorized Connection: Missing Authorization header or wrong key",
                at: instant, on: connection)
        }
        let query: AssemblyAIQuery
        do { query = try AssemblyAIQuery(parsing: request.query) } catch {
            return closing(Self.badMessage, error.message, at: instant, on: connection)
        }
        if let limit = emulation.concurrencyLimit, sessions >= limit {
            return closing(
                Self.tooMany, "Too many concurrent sessions", at: instant, on: connection)
        }
        sessions += 1
        return AssemblyAISession(
            query, ordinal: ordinal, emulator: self, connection: connection, at: instant)
    }

    /// The raw key, without a scheme's word; temporary tokens stand in the query.
    private static func key(of request: HTTPRequestHead) -> String? {
        if let field = request.headers["Authorization"] {
            let parts = field.split(separator: " ", maxSplits: 1)
            let isBearer = parts.count == 2 && parts[0].lowercased() == "bearer"
            return isBearer ? String(parts[1]) : field
        }
        return request.query["token"]
    }

    /// The vendor's codes (assemblyai.com/docs, "Common session errors and closures").
    static let serverError = WebSocketCloseCode(3005)
    static let badMessage = WebSocketCloseCode(3006)
    static let badAudio = WebSocketCloseCode(3007)
    static let expired = WebSocketCloseCode(3008)
    static let tooMany = WebSocketCloseCode(3009)

    func left() { sessions -= 1 }

    func stateRefusal(_ code: Int, call: UInt32?, at instant: Instant) {
        context[provider].refused += 1
        context.state(
            .providerRefused, of: provider, at: instant, call: call, detail: UInt32(code))
    }

    private func closing(
        _ code: WebSocketCloseCode, _ reason: String, at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        stateRefusal(Int(code.rawValue), call: nil, at: instant)
        connection.close(code, reason: reason)
        return nil
    }

    package func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        refuse(
            status, HTTPResponseHead.reason(of: status), retryAfter: retryAfter, at: instant,
            on: connection)
    }

    package func failure(_ request: HTTPRequestHead, status: Int) -> [UInt8] {
        AssemblyAIMessage.error(
            code: Int(Self.serverError.rawValue), message: HTTPResponseHead.reason(of: status)
        ).json.encoded()
    }

    private func refuse(
        _ status: Int, _ message: String, retryAfter: Duration? = nil, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        stateRefusal(status, call: nil, at: instant)
        connection.respond(
            status: status, headers: RetryAfterField.headers(retryAfter),
            json: ["error": .string(message)])
    }
}
