import UproarCore
import UproarRuntime
import UproarWire

/// ElevenLabs' speech as a server: the WebSockets `multi-stream-input` and `stream-input`, and over HTTP a voice's whole
/// answer, `/stream`, `/with-timestamps` and `/stream/with-timestamps`.
package final class ElevenLabsEmulator: EmulatedService {
    package let provider = ProviderID.elevenlabs
    let context: EmulatorContext
    let studio: VoiceStudio
    private var ordinal: UInt64 = 0

    package init(
        _ emulation: ProviderEmulation, renderer: any VoiceRenderer, context: EmulatorContext
    ) {
        self.context = context
        studio = VoiceStudio(
            .elevenlabs, firstByte: emulation.firstByte, pace: emulation.pace,
            concurrencyLimit: emulation.concurrencyLimit, renderer: renderer, context: context)
    }

    // MARK: EmulatedService

    package func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)? {
        ordinal += 1
        do throws(ElevenLabsProblem) {
            return try serve(request, body: body, at: instant, on: connection)
        } catch {
            refuse(error, on: connection, at: instant)
            return nil
        }
    }

    private func serve(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) throws(ElevenLabsProblem) -> (any EmulatedReply)? {
        guard let (voice, rest) = Self.operation(request),
            let shape = ElevenLabsHTTPReply.Shape(path: rest)
        else { throw .unknownPath }
        guard request.method == "POST" else {
            throw ElevenLabsProblem(405, "method_not_allowed", "Method Not Allowed")
        }
        guard context.keys.accepts(request.headers["xi-api-key"]) else { throw .wrongKey }
        let json: JSONValue
        do { json = try JSONParser.parse(body) } catch {
            throw .invalid("The body is not JSON: \(error)")
        }
        guard let text = json["text"]?.text else { throw .invalid("text: Field required") }
        guard text.unicodeScalars.count <= ElevenLabsMessage.textLimit else { throw .tooLong }
        let format = try ElevenLabsFormat(parsing: request.query["output_format"])
        guard studio.enter() else { throw .tooMany(studio.limit ?? 0) }
        let reply = ElevenLabsHTTPReply(
            studio.reply(
                format.voice, voice: voice, bufferDelay: .zero,
                entry: connection.exchange(provider, at: instant)), text: text,
            format: format, shape: shape, headers: headers(characters: text.unicodeScalars.count),
            emulator: self, connection: connection)
        reply.start(at: instant)
        return reply.isOver ? nil : reply
    }

    /// The voice and what follows it in `…/text-to-speech/VOICE/REST`.
    private static func operation(_ request: HTTPRequestHead) -> (voice: String, rest: [String])? {
        let path = request.segments
        guard let place = path.lastIndex(of: "text-to-speech"), place + 1 < path.count else {
            return nil
        }
        return (path[place + 1], Array(path[(place + 2)...]))
    }

    package func upgrade(
        _ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection
    ) -> (any EmulatedSession)? {
        ordinal += 1
        do throws(ElevenLabsProblem) {
            guard let (voice, rest) = Self.operation(request),
                rest == ["multi-stream-input"] || rest == ["stream-input"]
            else { throw .unknownPath }
            let query = try ElevenLabsQuery(
                parsing: request.query, voice: voice, isMultiple: rest == ["multi-stream-input"])
            let key =
                request.headers["xi-api-key"] ?? request.query["single_use_token"]
                ?? request.query["authorization"].map {
                    $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : $0
                }
            // On `stream-input` the key may come with the first message.
            if key != nil || query.isMultiple {
                guard context.keys.accepts(key) else { throw .wrongKey }
            }
            connection.acceptUpgrade()
            return ElevenLabsSession(
                query, needsKey: key == nil, emulator: self, connection: connection, at: instant)
        } catch {
            refuse(error, on: connection, at: instant)
            return nil
        }
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
        var headers = headers(characters: 0)
        headers["Content-Type"] = "audio/mpeg"
        connection.respond(status: 200, headers: headers)
    }

    package func failure(_ request: HTTPRequestHead, status: Int) -> [UInt8] {
        let isSocket = Self.operation(request)?.rest.last?.hasSuffix("-input") ?? false
        return isSocket ? ElevenLabsProblem.status(status).socketJSON.encoded() : []
    }

    func stateRefusal(_ status: Int, call: UInt32?) {
        context[provider].refused += 1
        context.state(
            .providerRefused, of: provider, at: context.now, call: call, detail: UInt32(status))
    }

    private func refuse(
        _ problem: ElevenLabsProblem, on connection: EmulatorConnection, at instant: Instant
    ) {
        stateRefusal(problem.status, call: connection.call)
        var fields = headers(characters: 0)
        for field in RetryAfterField.headers(problem.retryAfter).fields {
            fields[field.name] = field.value
        }
        connection.respond(status: problem.status, headers: fields, json: problem.json)
    }

    private func headers(characters: Int) -> HTTPHeaders {
        [
            "request-id": context.uuid("elevenlabs request", ordinal),
            "character-cost": String(characters),
            "current-concurrent-requests": String(studio.count),
            "maximum-concurrent-requests": String(studio.limit ?? 15),
        ]
    }
}
