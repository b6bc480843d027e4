import UproarCore
import UproarRuntime
import UproarWire

/// Cartesia's API as a server: `/tts/websocket`, `/tts/bytes`, `/tts/sse`.
package final class CartesiaEmulator: EmulatedService {
    package struct Settings: Hashable, Sendable {
        /// From a text to its first audio.
        package var firstByte: Distribution
        package var pace: VoicePump.Pace
        /// Contexts and requests in work at once; one more is answered 429. nil: no limit.
        package var concurrencyLimit: Int?

        package init(
            firstByte: Distribution = .lognormal(p50: .milliseconds(80), p95: .milliseconds(120)),
            pace: VoicePump.Pace? = nil, concurrencyLimit: Int? = nil
        ) {
            self.firstByte = firstByte
            self.concurrencyLimit = concurrencyLimit
            if let pace {
                self.pace = pace
            } else {
                self.pace = VoicePump.Pace()
                // A context expires one second after its last audio (docs.cartesia.ai, "Contexts").
                self.pace.patience = .seconds(1)
            }
        }
    }

    package let provider = ProviderID.cartesia
    let context: EmulatorContext
    let settings: Settings
    private let renderer: any VoiceRenderer
    private var tagVoices: [VoiceFormat: TagVoice] = [:]
    private var ordinal: UInt64 = 0
    private var inWork = 0

    package init(settings: Settings, renderer: any VoiceRenderer, context: EmulatorContext) {
        self.settings = settings
        self.renderer = renderer
        self.context = context
    }

    // MARK: EmulatedService

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        ordinal += 1
        do throws(CartesiaProblem) {
            return try serve(request, body: body, at: instant, on: connection)
        } catch {
            refuse(error, request, on: connection, at: instant)
            return nil
        }
    }

    private func serve(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) throws(CartesiaProblem) -> (any EmulatedReply)? {
        let kind = request.segments.last
        guard kind == "bytes" || kind == "sse" else { throw .unknownPath }
        guard request.method == "POST" else { throw .badRequest("use POST") }
        try checkKey(request)
        var generation = try CartesiaRequest(CartesiaRequest.json(parsing: body))
        guard generation.transcript.contains(where: { !$0.isWhitespace }) else {
            throw .badRequest("transcript is empty")
        }
        guard kind == "bytes" || generation.container == .raw else {
            throw .badRequest("output_format.container must be raw for events")
        }
        // The text is whole: nothing waits for more.
        generation.bufferDelay = .zero
        try admit()
        let reply = CartesiaHTTPReply(
            generation, streamsEvents: kind == "sse",
            reply: reply(
                to: generation, call: nil, earlier: nil,
                entry: connection.exchange(provider, at: instant)),
            emulator: self, connection: connection)
        reply.start(at: instant)
        return reply.isOver ? nil : reply
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        do throws(CartesiaProblem) {
            guard request.segments.suffix(2) == ["tts", "websocket"] else { throw .unknownPath }
            try checkKey(request)
        } catch {
            refuse(error, request, on: connection, at: instant)
            return nil
        }
        connection.acceptUpgrade()
        return CartesiaSession(
            emulator: self, connection: connection, version: version(of: request), at: instant)
    }

    package func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        refuse(.status(status, retryAfter: retryAfter), request, on: connection, at: instant)
    }

    package func failure(_ request: HTTPRequestHead, status: Int) -> [UInt8] {
        let message = CartesiaProblem.status(status).message(
            version(of: request), requestID: requestID())
        guard request.segments.last == "sse" else { return message.encoded() }
        return Array("event: error\ndata: \(message.text(pretty: false))\n\n".utf8)
    }

    private func version(of request: HTTPRequestHead) -> CartesiaVersion {
        CartesiaVersion(request.headers["Cartesia-Version"] ?? request.query["cartesia_version"])
    }

    private func checkKey(_ request: HTTPRequestHead) throws(CartesiaProblem) {
        var key =
            request.headers["X-API-Key"] ?? request.query["api_key"]
            ?? request.query["access_token"]
        if key == nil, let field = request.headers["Authorization"] {
            let parts = field.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" { key = String(parts[1]) }
        }
        guard context.keys.accepts(key) else { throw .wrongKey }
    }

    // MARK: Work

    func admit() throws(CartesiaProblem) {
        if let limit = settings.concurrencyLimit, inWork >= limit { throw .concurrencyLimited }
        inWork += 1
    }

    func leave() { inWork -= 1 }

    func reply(
        to request: CartesiaRequest, call: UInt32?, earlier: TurnReference?, entry: RequestEntry
    ) -> VoiceReply {
        ordinal += 1
        let settings = VoiceReply.Settings(
            provider: provider, format: request.format, voice: request.voice,
            firstByte: settings.firstByte, bufferDelay: request.bufferDelay, ordinal: ordinal,
            earlierReference: earlier, call: call, entry: entry)
        let tags = tagVoices[request.format] ?? TagVoice(request.format)
        tagVoices[request.format] = tags
        return VoiceReply(settings, tags: tags, renderer: renderer, context: context)
    }

    func requestID() -> String { context.uuid("cartesia request", ordinal) }

    // MARK: Refusals

    func refused(_ problem: CartesiaProblem, at instant: Instant) {
        context[provider].refused += 1
        context.state(
            .providerRefused, of: provider, at: instant, detail: UInt32(problem.status))
    }

    private func refuse(
        _ problem: CartesiaProblem, _ request: HTTPRequestHead, on connection: EmulatorConnection,
        at instant: Instant
    ) {
        refused(problem, at: instant)
        let version = version(of: request)
        var headers: HTTPHeaders = [
            "Content-Type": version.hasErrorCodes ? "application/json" : "text/plain"
        ]
        if let retryAfter = problem.retryAfter {
            headers["retry-after"] = NumberText.fixed(retryAfter.inSeconds, 0)
            headers["retry-after-ms"] = String(retryAfter.nanoseconds / 1_000_000)
        }
        connection.respond(
            status: problem.status, headers: headers,
            body: problem.body(version, requestID: requestID()))
    }
}
