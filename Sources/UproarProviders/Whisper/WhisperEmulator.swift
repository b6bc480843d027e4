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
            let reply = WhisperReply(
                wanted, ordinal: ordinal, emulator: self, connection: connection, at: instant)
            inWork += 1
            hear(wanted, for: reply)
            return reply
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

    private func hear(_ wanted: TranscriptionRequest, for reply: WhisperReply) {
        let (vocabulary, references) = (vocabulary, context.references)
        let isTagging = context.isTagging
        let isTaken = worker.run {
            () -> FileHearing? in
            guard let sound = try? AudioFile.read(bytes: wanted.file) else { return nil }
            return FileHearing(
                sound, vocabulary: vocabulary, references: references, isTagging: isTagging)
        } then: { [weak reply, context] heard in
            reply?.heard(heard, at: context.now)
        }
        // Too much waits already: as an overloaded vendor.
        if !isTaken { context.loop.schedule(at: context.now) { reply.overloaded() } }
    }

    func due(_ key: UInt64, from instant: Instant) -> Instant {
        instant + context.draw(emulation.latency, "whisper latency", key)
    }

    func finished() { inWork -= 1 }

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
