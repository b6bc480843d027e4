import UproarAudio
import UproarCore
import UproarRuntime
import UproarWire

/// OpenAI's transcription of files as a server: `POST /v1/audio/transcriptions` (and `/translations`).
///
/// It listens on an address of its own, and the OpenAI emulator hands it the requests that come to its address.
package final class WhisperEmulator: EmulatedService {
    package let provider = ProviderID.whisper
    let context: EmulatorContext
    private let emulation: ProviderEmulation
    private let vocabulary: SpeechVocabulary
    private let worker: any BackgroundWorker
    private var ordinal: UInt64 = 0
    private var inWork = 0

    /// - worker: reads and hears files, which may be minutes long.
    package init(
        _ emulation: ProviderEmulation, vocabulary: SpeechVocabulary, worker: any BackgroundWorker,
        context: EmulatorContext
    ) {
        self.emulation = emulation
        self.vocabulary = vocabulary
        self.worker = worker
        self.context = context
    }

    package static func serves(_ request: HTTPRequestHead) -> Bool {
        let end = request.segments.suffix(2)
        return end == ["audio", "transcriptions"] || end == ["audio", "translations"]
    }

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        ordinal += 1
        do throws(OpenAIProblem) {
            guard Self.serves(request) else { throw OpenAIProblem.unknownPath(request) }
            try request.checkBearer(context.keys)
            guard request.method == "POST" else { throw OpenAIProblem.wrongMethod(request) }
            let wanted = try TranscriptionRequest(
                parsing: body, contentType: request.headers["Content-Type"])
            if let limit = emulation.concurrencyLimit, inWork >= limit {
                throw OpenAIProblem.rateLimited(retryAfter: .seconds(1))
            }
            inWork += 1
            return hear(wanted, at: instant, on: connection)
        } catch {
            refuse(error, on: connection, at: instant)
            return nil
        }
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        refuse(.unknownPath(request), on: connection, at: instant)
        return nil
    }

    private func hear(
        _ wanted: TranscriptionRequest, at now: Instant, on connection: EmulatorConnection
    ) -> any EmulatedReply {
        let reply = FileRecognition(
            .init(
                provider: .whisper, ordinal: ordinal, latency: emulation.latency,
                latencyLabel: "whisper latency"), context: context, connection: connection, at: now
        ) { [self] outcome, now in
            inWork -= 1
            switch outcome {
            case .heard(let heard):
                WhisperReply.say(heard, wanted, headers: headers(), on: connection)
            case .unreadable: refuse(WhisperReply.unreadable, on: connection, at: now)
            case .overloaded: refuse(.overloaded, on: connection, at: now)
            }
        }
        reply.left = { [self] in inWork -= 1 }
        let file = wanted.file
        reply.start(vocabulary, on: worker) { try? AudioFile.read(bytes: file) }
        return reply
    }

    func headers() -> HTTPHeaders {
        OpenAIAnswer.headers(context, "whisper request", ordinal, inWork: inWork)
    }

    // MARK: Refusals

    package func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection
    ) {
        ordinal += 1
        refuse(.status(status, retryAfter: retryAfter), on: connection, at: instant)
    }

    package func answerEmpty(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) {
        connection.respond(status: 200, headers: headers(), json: ["text": ""])
    }

    func refuse(_ problem: OpenAIProblem, on connection: EmulatorConnection, at instant: Instant) {
        OpenAIAnswer.refuse(problem, provider, context, headers: headers(), on: connection)
    }
}
