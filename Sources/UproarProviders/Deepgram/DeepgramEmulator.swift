import UproarAudio
import UproarCore
import UproarCrypto
import UproarRuntime
import UproarWire

/// Deepgram's recognisers as a server: `/v1/listen` over WebSocket and for files, Flux at `/v2/listen`.
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
    private let worker: (any BackgroundWorker)?
    private var ordinal: UInt64 = 0
    private var streams = 0
    private var files = 0

    /// - worker: reads and hears files; without one they are refused.
    package init(
        vocabulary: SpeechVocabulary, settings: Settings, context: EmulatorContext,
        worker: (any BackgroundWorker)? = nil
    ) {
        self.worker = worker
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
        do throws(DeepgramProblem) {
            guard request.segments.suffix(2) == ["v1", "listen"] else { throw .unknownPath }
            _ = try checkKey(request)
            guard request.method == "POST" else {
                throw .badRequest("This endpoint is spoken to by POST or by WebSocket.")
            }
            return try hear(request, body: body, at: instant, on: connection)
        } catch {
            refuse(error, on: connection, at: instant)
            return nil
        }
    }

    private func hear(
        _ request: HTTPRequestHead, body: [UInt8], at now: Instant,
        on connection: EmulatorConnection
    ) throws(DeepgramProblem) -> any EmulatedReply {
        let query: DeepgramFileQuery
        do { query = try DeepgramFileQuery(parsing: request.query) } catch {
            throw .badRequest(error.message)
        }
        try query.check(body, contentType: request.headers["Content-Type"])
        if let limit = settings.concurrencyLimit, files >= limit { throw .tooMany }
        guard let worker else { throw .status(503) }
        let requestID = requestID()
        let writer = DeepgramFileWriter(
            query, requestID: requestID, modelID: context.uuid("deepgram model", 0),
            sha256: Hex.encode(Digest.sha256.hash(body)),
            created: UnixTime.text(context.unixSeconds))
        files += 1
        let reply = FileRecognition(
            .init(
                provider: provider, ordinal: ordinal, latency: settings.latency,
                latencyLabel: "deepgram file latency"), context: context, connection: connection,
            at: now
        ) { [self] outcome, now in
            files -= 1
            switch outcome {
            case .heard(let heard):
                connection.respond(
                    status: 200, headers: ["dg-request-id": requestID], json: writer.json(heard))
            case .unreadable: refuse(DeepgramFileQuery.unreadable, on: connection, at: now)
            case .overloaded: refuse(.status(503), on: connection, at: now)
            }
        }
        reply.left = { [self] in files -= 1 }
        let format = query.format
        reply.start(vocabulary, on: worker) {
            format.map { PCM(body.span, as: $0) } ?? (try? AudioFile.read(bytes: body))
        }
        return reply
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        do throws(DeepgramProblem) {
            let isFlux = request.segments.suffix(2) == ["v2", "listen"]
            guard isFlux || request.segments.suffix(2) == ["v1", "listen"] else {
                throw .unknownPath
            }
            let subprotocol = try checkKey(request)
            if let limit = settings.concurrencyLimit, streams >= limit { throw .tooMany }
            let requestID = requestID()
            func accept() {
                connection.acceptUpgrade(
                    subprotocol: subprotocol, headers: ["dg-request-id": requestID])
                streams += 1
            }
            do throws(DeepgramQuery.Problem) {
                if isFlux {
                    let query = try FluxQuery(parsing: request.query)
                    accept()
                    return FluxSession(
                        query, requestID: requestID, ordinal: ordinal, emulator: self,
                        connection: connection)
                }
                let query = try DeepgramQuery(parsing: request.query)
                accept()
                return DeepgramSession(
                    query, requestID: requestID, ordinal: ordinal, emulator: self,
                    connection: connection, at: instant)
            } catch { throw DeepgramProblem.badRequest(error.message) }
        } catch {
            refuse(error, on: connection, at: instant)
            return nil
        }
    }

    func left() { streams -= 1 }

    func refused(_ code: Int, call: UInt32?) {
        context[provider].refused += 1
        context.state(
            .providerRefused, of: provider, at: context.now, call: call, detail: UInt32(code))
    }

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
