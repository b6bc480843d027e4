import UproarAudio
import UproarCore
import UproarRuntime

/// One file on its way through an emulated recogniser: heard at once off the loop, said when the vendor would. Facts and usage
/// are stated here, the same for every vendor.
package final class FileRecognition: EmulatedReply, TimerHandler {
    package struct Settings: Sendable {
        package var provider: ProviderID
        /// Names the draw of a file without a reference.
        package var ordinal: UInt64
        /// From the request to its answer.
        package var latency: Distribution
        package var latencyLabel: StaticString

        package init(
            provider: ProviderID, ordinal: UInt64, latency: Distribution,
            latencyLabel: StaticString
        ) {
            self.provider = provider
            self.ordinal = ordinal
            self.latency = latency
            self.latencyLabel = latencyLabel
        }
    }

    package enum Outcome {
        case heard(FileHearing)
        /// No sound file.
        case unreadable
        /// Too much waits already.
        case overloaded
    }

    private let settings: Settings
    private let context: EmulatorContext
    private let connection: EmulatorConnection
    private let arrivedAt: Instant
    private var answer: ((Outcome, Instant) -> Void)?
    private var heard: FileHearing?
    private var timer = TimerID.none
    private let entry: RequestEntry

    /// - answer: called once, unless the peer leaves before.
    package init(
        _ settings: Settings, context: EmulatorContext, connection: EmulatorConnection,
        at now: Instant, answer: @escaping (Outcome, Instant) -> Void
    ) {
        self.settings = settings
        self.context = context
        self.connection = connection
        arrivedAt = now
        entry = connection.exchange(settings.provider, at: now)
        self.answer = answer
    }

    /// - read: nil for what is no sound.
    package func start(
        _ vocabulary: SpeechVocabulary, on worker: any BackgroundWorker,
        read: @escaping @Sendable () -> PCM?
    ) {
        let references = context.references
        let isTagging = context.isTagging
        let isTaken = worker.run {
            () -> FileHearing? in
            guard let sound = read() else { return nil }
            return FileHearing(
                sound, vocabulary: vocabulary, references: references, isTagging: isTagging)
        } then: { [weak self, context] heard in
            self?.heard(heard, at: context.now)
        }
        guard !isTaken else { return }
        context.loop.schedule(at: context.now) { [weak self, context] in
            self?.end(.overloaded, at: context.now)
        }
    }

    private func heard(_ heard: FileHearing?, at now: Instant) {
        guard answer != nil else { return }
        guard let heard else { return end(.unreadable, at: now) }
        self.heard = heard
        for reference in heard.references {
            context.state(
                .speechRecognised, of: settings.provider, at: arrivedAt, reference: reference,
                detail: UInt32(truncatingIfNeeded: settings.ordinal))
            context.state(
                .speechEnded, of: settings.provider, at: arrivedAt, reference: reference,
                value: heard.voiceEnd.nanoseconds)
        }
        connection.call = heard.references.last?.call
        entry.reference = heard.references.last
        let key = heard.references.last.map { UInt64($0.rawValue) } ?? 1 << 63 | settings.ordinal
        let due =
            arrivedAt
            + context.firstContent(
                entry.timing?.first ?? settings.latency, settings.latencyLabel, key,
                of: settings.provider, reference: heard.references.last, fields: entry.fields)
        if now > due, context.isTagging {
            context.state(
                .providerLate, of: settings.provider, at: now, reference: heard.references.last,
                value: (now - due).nanoseconds)
        }
        timer = context.loop.schedule(self, at: max(due, now))
    }

    package func timerFired(token: UInt64, now: Instant) {
        guard answer != nil, let heard else { return }
        stateUsage(heard, at: now)
        for reference in heard.references {
            context.state(
                .finalSent, of: settings.provider, at: now, reference: reference, entry: entry)
        }
        end(.heard(heard), at: now)
    }

    private func stateUsage(_ heard: FileHearing, at now: Instant) {
        let billed = max(.zero, heard.duration - .milliseconds(400) * heard.tagCount)
        var usage = ProviderUsage()
        usage.audio = billed
        usage.requests = 1
        context[settings.provider].usage += usage
        entry.add(usage)
        context.state(
            .speechToTextUsage, of: settings.provider, at: now, call: heard.references.last?.call,
            value: heard.duration.nanoseconds, detail: UInt32(billed.nanoseconds / 1_000_000))
    }

    private func end(_ outcome: Outcome, at now: Instant) {
        guard let answer else { return }
        self.answer = nil
        answer(outcome, now)
    }

    package func peerLeft(at instant: Instant) {
        guard answer != nil else { return }
        answer = nil
        context.loop.cancel(timer)
        context[settings.provider].cancelled += 1
        left?()
    }

    /// The peer went away before the answer.
    package var left: (() -> Void)?
}
