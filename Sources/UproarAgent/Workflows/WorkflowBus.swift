import UproarCore
import UproarRuntime

/// Events for customer records, calendar and e-mail: the conversation hands them over and goes on; a hook delivers them, again and
/// again if need be. What cannot be delivered goes to the dead letters.
///
///     emit ─► queue (bounded) ─► hook ─► done
///       ✗ full        ▲ retry ✗│ too often
///       └──────────────────────┴────► dead letters
final class WorkflowBus {
    enum Kind: String, CaseIterable {
        case crm, calendar, email
    }

    private struct Event {
        var kind: Kind
        var json: JSONValue
        var emitted: Instant
        var attempts = 0
        /// Who waits for its delivery, against all advice.
        var done: (() -> Void)?
    }

    static let queueLimit = 1000
    private static let inFlightLimit = 8

    private let hook: any Webhook
    private let deadLetters: (JSONValue) -> Void
    private let metrics: AgentMetrics
    private let loop: EventLoop
    private let worker: String
    private let attemptLimit: Int
    private var random: RandomStream
    private let backoff = Backoff(first: .milliseconds(500), longest: .seconds(10))
    private var queue: [Event] = []
    private var inFlight = 0
    /// Waiting for their next attempt.
    private var resting = 0
    private var lastID = 0
    private var isClosed = false

    init(
        _ hook: any Webhook, worker: String, attempts: Int = 5, metrics: AgentMetrics,
        loop: EventLoop,
        random: RandomStream, deadLetters: @escaping (JSONValue) -> Void
    ) {
        self.hook = hook
        self.worker = worker
        attemptLimit = max(1, attempts)
        self.metrics = metrics
        self.loop = loop
        self.random = random
        self.deadLetters = deadLetters
        for kind in Kind.allCases {
            metrics.touch(.activeWorkflows, [kind.rawValue])
            for status in ["completed", "failed"] {
                metrics.touch(.workflowExecutions, [kind.rawValue, status])
            }
        }
    }

    var waiting: Int { queue.count + inFlight + resting }

    /// Hands an event over; costs the conversation nothing but this call.
    ///
    /// - done: called when it has been delivered, or never will be.
    func emit(
        _ kind: Kind, _ name: String, session: String, _ payload: JSONValue, unixTime: Int64,
        done: (() -> Void)? = nil
    ) {
        let began = loop.now
        lastID += 1
        let event = Event(
            kind: kind,
            json: [
                "id": .string("\(worker)-\(lastID)"), "type": .string(kind.rawValue),
                "event": .string(name), "session_id": .string(session),
                "timestamp": .integer(unixTime), "payload": payload,
            ], emitted: began, done: done)
        if waiting >= Self.queueLimit {
            die(event)
        } else {
            queue.append(event)
            metrics.count(.activeWorkflows, [kind.rawValue])
            loop.schedule(at: began) { [weak self] in self?.deliverNext() }
        }
        metrics.observe(.eventEmission, [], (loop.now - began).inSeconds)
    }

    /// What is still waiting goes to the dead letters: nothing is lost.
    func close() {
        isClosed = true
        for event in queue { die(event) }
        queue = []
    }

    private func deliverNext() {
        guard !isClosed, inFlight < Self.inFlightLimit, !queue.isEmpty else { return }
        var event = queue.removeFirst()
        event.attempts += 1
        inFlight += 1
        hook.deliver(event.json) { [weak self] result in
            guard let self else { return }
            inFlight -= 1
            switch result {
            case .success: finish(event, "completed")
            case .failure(let failure): failed(event, failure)
            }
            deliverNext()
        }
    }

    private func failed(_ event: Event, _ failure: ProviderFailure) {
        metrics.count(.errors, [failure.kind, "workflow"])
        guard event.attempts < attemptLimit, !failure.isFinal, !isClosed else {
            finish(event, "failed")
            return die(event)
        }
        let pause = max(
            backoff.pause(attempt: event.attempts - 1, &random), failure.rest ?? .zero)
        resting += 1
        loop.schedule(at: loop.now + pause) { [weak self] in
            guard let self else { return }
            resting -= 1
            if isClosed { return die(event) }
            queue.append(event)
            deliverNext()
        }
    }

    private func finish(_ event: Event, _ status: String) {
        metrics.count(.activeWorkflows, [event.kind.rawValue], by: -1)
        metrics.count(.workflowExecutions, [event.kind.rawValue, status])
        metrics.observe(
            .workflowDuration, [event.kind.rawValue], (loop.now - event.emitted).inSeconds)
        if status == "completed" { event.done?() }
    }

    private func die(_ event: Event) {
        metrics.count(.workflowsDropped, [event.kind.rawValue])
        deadLetters(event.json)
        event.done?()
    }
}
