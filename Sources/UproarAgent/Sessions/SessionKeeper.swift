import UproarCore
import UproarRuntime

/// Keeps sessions in the store, and in memory while the store cannot be reached: no call waits for it longer than a bound.
///
///     save ─► memory (not durable) ─► store ─► durable
///                    ▲                  ✗ stays in memory, until the store is back
///     load ─► store ─┴ in time: the store's; too late or failed: memory's
///
/// What is written back after an outage does not overwrite what another worker wrote later.
final class SessionKeeper: TimerHandler {
    private static let retryEvery = Duration.seconds(1)
    /// Written back at a time, so that a store that has just come back is not overrun.
    private static let batch = 50

    private struct Entry {
        /// Nil: the session is over, and is to be deleted.
        var bytes: [UInt8]?
        var lastActivity: Int64
        var isDurable: Bool
        /// Counts the writes: an answer belongs to one of them.
        var version: Int
        var until: Instant
    }

    private let store: (any SessionStore)?
    private let settings: AgentSettings
    private let metrics: AgentMetrics
    private let loop: EventLoop
    private var entries = OrderedTable<String, Entry>()
    private var timer = TimerID.none
    /// Writes under way in this pass of reconciling.
    private var pending = 0
    private var versions = 0
    /// The last word of the store.
    private(set) var isReachable = true

    init(
        _ store: (any SessionStore)?, settings: AgentSettings, metrics: AgentMetrics,
        loop: EventLoop
    ) {
        self.store = store
        self.settings = settings
        self.metrics = metrics
        self.loop = loop
        metrics.set(.storeDurable, to: store == nil ? 0 : 1)
    }

    /// Sessions that are only in memory.
    var waiting: Int { entries.values.count { !$0.isDurable } }

    // MARK: Verbs

    /// The session as it was kept last; `then` is called once, within the bound, never before this returns.
    func load(_ key: String, then: @escaping ([UInt8]?) -> Void) {
        let known = settings.sessionMemory ? entries[key] : nil
        // What the store has not got yet is newer than what it has.
        if let known, !known.isDurable {
            return loop.schedule(at: loop.now) { then(known.bytes) }.done()
        }
        guard let store else { return loop.schedule(at: loop.now) { then(nil) }.done() }
        var isOver = false
        func end(_ bytes: [UInt8]?) {
            guard !isOver else { return }
            isOver = true
            then(bytes)
        }
        let limit = loop.schedule(at: loop.now + settings.storeWait) { [weak self] in
            // Why is known when the store's own word comes.
            self?.lost()
            end(known?.bytes)
        }
        store.load(key) { [weak self, loop] result in
            loop.cancel(limit)
            switch result {
            case .success(let bytes):
                if isOver { self?.metrics.storeFailed(.timedOut) }
                self?.succeeded()
                end(bytes ?? nil)
            case .failure(let failure):
                self?.metrics.storeFailed(failure)
                if !isOver { self?.lost() }
                end(known?.bytes)
            }
        }
    }

    func save(_ record: SessionRecord) {
        put(record.key, record.encoded, lastActivity: record.lastActivity)
    }

    /// The context of a hand-off: written once, and of no use later.
    func keepHandOff(_ record: SessionRecord) {
        store?.save(
            record.encoded, at: SessionRecord.handOffKey(record.id),
            keepFor: SessionRecord.handOffKeptFor
        ) { [weak self] result in
            if case .failure(let failure) = result { self?.metrics.storeFailed(failure) }
        }
    }

    func delete(_ key: String) {
        put(key, nil, lastActivity: .max)
    }

    func close() { loop.cancel(timer) }

    private func put(_ key: String, _ bytes: [UInt8]?, lastActivity: Int64) {
        versions += 1
        entries[key] = Entry(
            bytes: bytes, lastActivity: lastActivity, isDurable: false, version: versions,
            until: loop.now + SessionRecord.keptFor)
        bound()
        guard store != nil else { return }
        write(key)
    }

    /// The oldest that are safe elsewhere leave first; then the oldest.
    private func bound() {
        let limit = max(1, settings.sessionMemoryLimit)
        while entries.count > limit {
            let victim =
                zip(entries.keys, entries.values).first { $0.1.isDurable }?.0 ?? entries.keys[0]
            entries[victim] = nil
        }
    }

    // MARK: The store

    private func write(_ key: String, then: @escaping (Bool) -> Void = { _ in }) {
        guard let store, let entry = entries[key] else { return then(true) }
        let done: (Result<Void, StoreFailure>) -> Void = { [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                wrote(key, version: entry.version)
                succeeded()
                then(true)
            case .failure(let failure):
                failed(failure)
                then(false)
            }
        }
        if let bytes = entry.bytes {
            store.save(bytes, at: key, keepFor: SessionRecord.keptFor, then: done)
        } else {
            store.delete(key, then: done)
        }
    }

    private func wrote(_ key: String, version: Int) {
        guard var entry = entries[key], entry.version == version else { return }
        if entry.bytes == nil {
            entries[key] = nil
        } else {
            entry.isDurable = true
            entries[key] = entry
        }
    }

    private func succeeded() {
        isReachable = true
        if waiting == 0 {
            metrics.set(.storeDurable, to: 1)
        } else {
            retry()
        }
    }

    private func failed(_ failure: StoreFailure) {
        metrics.storeFailed(failure)
        lost()
    }

    private func lost() {
        metrics.set(.storeDurable, to: 0)
        isReachable = false
        retry()
    }

    private func retry() {
        guard settings.sessionMemory, timer == .none, pending == 0 else { return }
        timer = loop.schedule(self, at: loop.now + Self.retryEvery)
    }

    func timerFired(token: UInt64, now: Instant) {
        timer = .none
        for key in entries.keys where entries[key].map({ $0.until <= now }) ?? false {
            entries[key] = nil
        }
        let keys = zip(entries.keys, entries.values).filter { !$0.1.isDurable }.map(\.0)
        // One asks whether the store is back; when it is, the others follow.
        for key in keys.prefix(isReachable ? Self.batch : 1) {
            pending += 1
            reconcile(key)
        }
    }

    /// Writes a session back unless the store has got a later one meanwhile.
    private func reconcile(_ key: String) {
        guard let store, let entry = entries[key] else { return settle() }
        guard entry.bytes != nil else {
            return write(key) { [weak self] _ in self?.settle() }
        }
        store.load(key) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let bytes):
                isReachable = true
                let theirs = bytes.flatMap { SessionRecord($0) }
                if let theirs, theirs.lastActivity > entry.lastActivity {
                    wrote(key, version: entry.version)
                    entries[key]?.bytes = bytes
                    return settle()
                }
                write(key) { [weak self] _ in self?.settle() }
            case .failure(let failure):
                failed(failure)
                settle()
            }
        }
    }

    private func settle() {
        pending -= 1
        guard pending == 0 else { return }
        if waiting > 0 { retry() } else { metrics.set(.storeDurable, to: isReachable ? 1 : 0) }
    }
}

extension TimerID {
    /// A timer that nobody will cancel.
    func done() {}
}
