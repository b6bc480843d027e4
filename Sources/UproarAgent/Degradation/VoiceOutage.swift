import UproarCore
import UproarRuntime

/// What is done for callers whose voice has failed entirely: a text message to a phone, a message to a browser, and where that fails
/// too, a page to the person on call.
///
///     phone    ─► SMS ──────────────✗─► page
///     browser  ─► fallback_to_text ─✗─► page
final class VoiceOutage {
    /// Pages within so long of each other are one.
    private static let pageEvery = Duration.seconds(60)

    private let settings: AgentSettings
    private let messenger: (any TextMessenger)?
    private let pager: (any Webhook)?
    private let metrics: AgentMetrics
    private let loop: EventLoop
    private var lastPage: Instant?

    init(
        _ settings: AgentSettings, messenger: (any TextMessenger)?, pager: (any Webhook)?,
        metrics: AgentMetrics, loop: EventLoop
    ) {
        self.settings = settings
        self.messenger = messenger
        self.pager = pager
        self.metrics = metrics
        self.loop = loop
    }

    /// Tells the caller of this call by other means.
    ///
    /// - text: what could not be said, for channels that show text.
    func tell(
        _ introduction: CallIntroduction, over channel: any CallChannel, text: String,
        unixTime: Int64
    ) {
        guard settings.degrades else { return }
        if channel.fallBackToText(settings.browserFallback) {
            if !text.isEmpty { channel.show(text) }
            metrics.count(.degraded, [introduction.channel, "text"])
            return
        }
        guard let messenger, let number = introduction.phoneNumber else {
            return page(introduction, "no way to reach the caller", unixTime)
        }
        messenger.send(settings.messageFallback, to: number) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success: metrics.count(.degraded, [introduction.channel, "sms"])
            case .failure(let failure): page(introduction, failure.kind, unixTime)
            }
        }
    }

    /// Somebody is to take over a call.
    func handOff(_ introduction: CallIntroduction, unixTime: Int64) {
        guard let pager else { return }
        let event: JSONValue = [
            "event": "handoff", "summary": "A caller asks for a person", "severity": "info",
            "worker_id": .string(settings.worker), "session_id": .string(introduction.session),
            "user_id": .string(introduction.person), "channel": .string(introduction.channel),
            "context": .string(SessionRecord.handOffKey(introduction.session)),
            "timestamp": .integer(unixTime),
        ]
        pager.deliver(event) { [metrics] result in
            if case .failure = result { metrics.count(.errors, ["handoff_failed", "pager"]) }
        }
    }

    private func page(_ introduction: CallIntroduction, _ reason: String, _ unixTime: Int64) {
        metrics.count(.degraded, [introduction.channel, "page"])
        if let lastPage, loop.now - lastPage < Self.pageEvery { return }
        lastPage = loop.now
        guard let pager else { return }
        let event: JSONValue = [
            "event": "page", "summary": "Voice and fallback both failed",
            "severity": "critical", "worker_id": .string(settings.worker),
            "session_id": .string(introduction.session),
            "channel": .string(introduction.channel), "reason": .string(reason),
            "timestamp": .integer(unixTime),
        ]
        pager.deliver(event) { [metrics] result in
            switch result {
            case .success: metrics.count(.pages)
            case .failure: metrics.count(.errors, ["page_failed", "pager"])
            }
        }
    }
}

extension CallIntroduction {
    /// The caller's number in E.164 form, where the call says it.
    var phoneNumber: String? {
        for name in ["from_number", "from", "user_id"] {
            guard let text = parameter(name), text.hasPrefix("+"), (8...16).contains(text.count),
                text.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber })
            else { continue }
            return text
        }
        return nil
    }
}
