import UproarCore
import UproarRuntime

/// Brings recordings from the spool into the store: a few at a time, again and again until the store has them, whatever becomes of
/// calls meanwhile. A file leaves the spool when the store has said that it has it.
///
///     queue ─► read ─► put, or parts ─► removed from the spool
///       ▲                    ✗
///       └── pause, breaker ──┘
final class RecordingUploader {
    private static let inFlightLimit = 2
    /// What waits in memory, by name; the rest waits on disk and is found when these are done.
    static let queueLimit = 10_000
    private static let contentType = "application/octet-stream"

    private let spool: any Spool
    private let store: any ObjectStore
    private let metrics: AgentMetrics
    private let loop: EventLoop
    /// 0 for any number.
    private let attemptLimit: Int
    /// In bytes; what is shorter goes in one piece.
    private let partSize: Int
    private let done: (RecordingName) -> Void
    private let gaveUp: (RecordingName) -> Void
    private var attempts: [RecordingName: Int] = [:]
    private var random: RandomStream
    private var breaker: CircuitBreaker
    private let backoff = Backoff(first: .seconds(1), longest: .seconds(30))
    private var queue: [RecordingName] = []
    private var hasLeftOut = false
    private var inFlight = 0
    private var failures = 0
    private var notBefore = Instant(nanoseconds: .min)
    private var timer = TimerID.none
    private var isStopped = false

    init(
        _ spool: any Spool, _ store: any ObjectStore, settings: AgentSettings,
        metrics: AgentMetrics, loop: EventLoop, random: RandomStream,
        done: @escaping (RecordingName) -> Void, gaveUp: @escaping (RecordingName) -> Void
    ) {
        attemptLimit = settings.recordingAttempts
        partSize = settings.recordingPartKilobytes << 10
        self.spool = spool
        self.store = store
        self.metrics = metrics
        self.loop = loop
        self.random = random
        self.done = done
        self.gaveUp = gaveUp
        breaker = CircuitBreaker(settings.breakerPolicy)
        metrics.set(.breakerState, [ProviderRole.objectStore.rawValue, Self.name], to: 0)
        metrics.touch(.breakerTrips, [ProviderRole.objectStore.rawValue, Self.name])
    }

    private static let name = "object_store"

    func add(_ name: RecordingName) {
        if queue.count < Self.queueLimit { queue.append(name) } else { hasLeftOut = true }
        next()
    }

    func stop() {
        isStopped = true
        loop.cancel(timer)
    }

    private func next() {
        guard !isStopped else { return }
        guard !queue.isEmpty else { return findLeftOut() }
        guard inFlight < Self.inFlightLimit else { return }
        let now = loop.now
        var due = notBefore
        if !breaker.isAllowed(at: now) {
            // A half-open breaker lets one through.
            guard inFlight == 0 else { return }
            due = max(due, breaker.probeDue ?? now)
        }
        guard now >= due else {
            loop.cancel(timer)
            timer = loop.schedule(at: due) { [weak self] in self?.next() }
            return
        }
        breaker.allowProbe(at: now)
        let name = queue.removeFirst()
        inFlight += 1
        upload(name) { [weak self] result in self?.ended(name, begun: now, result) }
        next()
    }

    private func findLeftOut() {
        guard hasLeftOut, inFlight == 0 else { return }
        hasLeftOut = false
        spool.list { [weak self] files in
            for file in files where file.name.hasSuffix(RecordingName.whole) {
                if let name = RecordingName(file: file.name) { self?.add(name) }
            }
        }
    }

    private func ended(
        _ name: RecordingName, begun: Instant, _ result: Result<Void, ProviderFailure>
    ) {
        inFlight -= 1
        let now = loop.now
        switch result {
        case .success:
            failures = 0
            breaker.succeeded(begunAt: begun, at: now)
            attempts[name] = nil
            spool.remove(name.file) {}
            done(name)
        case .failure(let failure):
            metrics.failed(.objectStore, Self.name, failure)
            if breaker.failed(at: now, isFinal: failure.isAboutTheKey) {
                metrics.breakerTripped(Self.name, .objectStore)
            }
            let pause = backoff.pause(attempt: failures, &random)
            failures += 1
            notBefore = now + max(pause, failure.rest ?? .zero)
            let made = attempts[name, default: 0] + 1
            if attemptLimit > 0, made >= attemptLimit {
                attempts[name] = nil
                gaveUp(name)
            } else {
                if attemptLimit > 0 { attempts[name] = made }
                // Behind the others: one that the store will not have must not hold them up.
                queue.append(name)
            }
        }
        metrics.breaker(Self.name, .objectStore, breaker.state(at: now))
        next()
    }

    // MARK: One of them

    private func upload(
        _ name: RecordingName, then: @escaping (Result<Void, ProviderFailure>) -> Void
    ) {
        spool.read(name.file, from: 0, count: partSize) { [weak self] bytes in
            guard let self, let bytes, !bytes.isEmpty else {
                return then(.failure(.reported("the spool cannot be read")))
            }
            guard bytes.count == partSize else {
                return store.put(bytes, at: name.key, contentType: Self.contentType, then: then)
            }
            store.beginParts(at: name.key, contentType: Self.contentType) { [weak self] result in
                switch result {
                case .success(let upload):
                    self?.put(part: 1, bytes, of: upload, name, tags: [], then: then)
                case .failure(let failure): then(.failure(failure))
                }
            }
        }
    }

    private func put(
        part: Int, _ bytes: [UInt8], of upload: String, _ name: RecordingName, tags: [String],
        then: @escaping (Result<Void, ProviderFailure>) -> Void
    ) {
        let giveUp = { [store] (failure: ProviderFailure) in
            // Parts of nothing would be kept, and paid for, for ever.
            store.abortParts(of: upload, at: name.key) { _ in then(.failure(failure)) }
        }
        store.put(part: part, bytes, of: upload, at: name.key) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): giveUp(failure)
            case .success(let tag):
                let tags = tags + [tag]
                spool.read(name.file, from: part * partSize, count: partSize) {
                    [weak self] bytes in
                    guard let self, let bytes else {
                        return giveUp(.reported("the spool cannot be read"))
                    }
                    guard bytes.isEmpty else {
                        return put(
                            part: part + 1, bytes, of: upload, name, tags: tags, then: then)
                    }
                    store.completeParts(tags, of: upload, at: name.key) { result in
                        switch result {
                        case .success: then(.success(()))
                        case .failure(let failure): giveUp(failure)
                        }
                    }
                }
            }
        }
    }
}
