import UproarCore
import UproarRuntime
import UproarWire

/// The answer to one file: heard at once, said when the vendor would.
final class WhisperReply: EmulatedReply, TimerHandler {
    private let request: TranscriptionRequest
    private let ordinal: UInt64
    private let emulator: WhisperEmulator
    private let connection: EmulatorConnection
    private let arrivedAt: Instant
    private var outcome: FileHearing?
    private var timer = TimerID.none
    private var isOver = false

    init(
        _ request: TranscriptionRequest, ordinal: UInt64, emulator: WhisperEmulator,
        connection: EmulatorConnection, at now: Instant
    ) {
        self.request = request
        self.ordinal = ordinal
        self.emulator = emulator
        self.connection = connection
        arrivedAt = now
    }

    private var context: EmulatorContext { emulator.context }

    /// - heard: nil for what is no sound file.
    func heard(_ heard: FileHearing?, at now: Instant) {
        guard !isOver else { return }
        guard let heard else {
            end()
            return emulator.refuse(
                .invalid(
                    "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm']",
                    parameter: "file", code: nil),
                on: connection, at: now)
        }
        outcome = heard
        for reference in heard.references {
            context.state(
                .speechRecognised, of: .whisper, at: arrivedAt, reference: reference,
                detail: UInt32(truncatingIfNeeded: ordinal))
            context.state(
                .speechEnded, of: .whisper, at: arrivedAt, reference: reference,
                value: heard.voiceEnd.nanoseconds)
        }
        connection.call = heard.references.last?.call
        let key = heard.references.last.map { UInt64($0.rawValue) } ?? 1 << 63 | ordinal
        let due = emulator.due(key, from: arrivedAt)
        if now > due, context.isTagging {
            context.state(
                .providerLate, of: .whisper, at: now, reference: heard.references.last,
                value: (now - due).nanoseconds)
        }
        timer = context.loop.schedule(self, at: max(due, now))
    }

    func overloaded() {
        guard !isOver else { return }
        end()
        emulator.refuse(.overloaded, on: connection, at: context.now)
    }

    func timerFired(token: UInt64, now: Instant) {
        guard !isOver, let outcome else { return }
        let writer = TranscriptionWriter(request, heard: outcome)
        stateUsage(outcome, at: now)
        for reference in outcome.references {
            context.state(.finalSent, of: .whisper, at: now, reference: reference)
        }
        end()
        guard request.isStreaming else {
            var headers = emulator.headers()
            headers["Content-Type"] = writer.contentType
            return connection.respond(status: 200, headers: headers, body: writer.body)
        }
        var headers = emulator.headers()
        headers["Content-Type"] = "text/event-stream; charset=utf-8"
        connection.startBody(status: 200, headers: headers)
        for event in writer.events {
            let bytes = Array("data: \(event.text(pretty: false))\n\n".utf8)
            connection.sendBody(bytes.span.bytes)
        }
        let done = Array("data: [DONE]\n\n".utf8)
        connection.sendBody(done.span.bytes)
        connection.endBody()
    }

    private func stateUsage(_ heard: FileHearing, at now: Instant) {
        let billed = max(.zero, heard.duration - .milliseconds(400) * heard.tagCount)
        context[.whisper].usage.audio += billed
        context[.whisper].usage.requests += 1
        context.state(
            .speechToTextUsage, of: .whisper, at: now, call: heard.references.last?.call,
            value: heard.duration.nanoseconds, detail: UInt32(billed.nanoseconds / 1_000_000))
    }

    func peerLeft(at instant: Instant) {
        guard !isOver else { return }
        context[.whisper].cancelled += 1
        end()
    }

    private func end() {
        isOver = true
        context.loop.cancel(timer)
        emulator.finished()
    }
}
