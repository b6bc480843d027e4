import UproarCore
import UproarRuntime

/// Tasks in the store, with the lists of late callers kept at hand, and changes kept while the store cannot be reached.
///
/// A list is asked for again after `freshFor`, or as soon as a task of it has changed. A change that the store did not take is
/// made on the list at hand and written when the store is back; a task has its id from the tool call, so that writing it twice
/// makes one task.
final class TaskLedger: TaskStore, TimerHandler {
    private static let freshFor = Duration.seconds(30)
    private static let ownerLimit = 1000
    private static let pendingLimit = 10_000
    private static let retryEvery = Duration.seconds(1)

    private struct Book {
        var tasks: [StoredTask]
        var since: Instant
    }

    private struct Change {
        var owner: String
        var task: StoredTask
        var isNew: Bool
    }

    private let store: any TaskStore
    private let loop: EventLoop
    private let settings: AgentSettings
    private let metrics: AgentMetrics
    private var books = OrderedTable<String, Book>()
    private var pending: [Change] = []
    private var timer = TimerID.none
    private var isWriting = false

    init(
        _ store: any TaskStore, settings: AgentSettings, metrics: AgentMetrics, loop: EventLoop
    ) {
        self.store = store
        self.settings = settings
        self.metrics = metrics
        self.loop = loop
    }

    func close() { loop.cancel(timer) }

    // MARK: TaskStore

    func create(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        books[owner] = nil
        store.create(task, owner: owner) { [self] result in
            guard case .failure = result else { return then(result) }
            keep(Change(owner: owner, task: task, isNew: true), result, then)
        }
    }

    func update(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        books[owner] = nil
        store.update(task, owner: owner) { [self] result in
            guard case .failure = result else { return then(result) }
            keep(Change(owner: owner, task: task, isNew: false), result, then)
        }
    }

    func list(owner: String, then: @escaping (Result<[StoredTask], StoreFailure>) -> Void) {
        if settings.taskCache, let book = books[owner], loop.now - book.since < Self.freshFor {
            metrics.count(.taskCache, ["hit"])
            return loop.schedule(at: loop.now) { then(.success(book.tasks)) }.done()
        }
        metrics.count(.taskCache, ["miss"])
        let asked = loop.now
        store.list(owner: owner) { [self] result in
            switch result {
            case .success(let tasks):
                let tasks = applied(owner, to: tasks)
                put(owner, Book(tasks: tasks, since: asked))
                then(.success(tasks))
            case .failure(let failure):
                metrics.storeFailed()
                let changes = pending.contains { $0.owner == owner }
                guard settings.sessionMemory, books[owner] != nil || changes else {
                    return then(.failure(failure))
                }
                then(.success(applied(owner, to: books[owner]?.tasks ?? [])))
            }
        }
    }

    // MARK: Memory

    private func put(_ owner: String, _ book: Book) {
        books[owner] = nil
        books[owner] = book
        if books.count > Self.ownerLimit { books[books.keys[0]] = nil }
    }

    private func applied(_ owner: String, to tasks: [StoredTask]) -> [StoredTask] {
        var tasks = tasks
        for change in pending where change.owner == owner {
            if let place = tasks.firstIndex(where: { $0.id == change.task.id }) {
                if !change.isNew { tasks[place] = change.task }
            } else {
                tasks.append(change.task)
            }
        }
        return tasks
    }

    private func keep(
        _ change: Change, _ result: Result<Void, StoreFailure>,
        _ then: (Result<Void, StoreFailure>) -> Void
    ) {
        metrics.storeFailed()
        guard settings.sessionMemory, pending.count < Self.pendingLimit else { return then(result) }
        pending.append(change)
        retry()
        then(.success(()))
    }

    private func retry() {
        guard !pending.isEmpty, timer == .none, !isWriting else { return }
        timer = loop.schedule(self, at: loop.now + Self.retryEvery)
    }

    func timerFired(token: UInt64, now: Instant) {
        timer = .none
        writeNext()
    }

    /// One after the other: a later change of a task never comes before an earlier one.
    private func writeNext() {
        guard let change = pending.first else { return }
        isWriting = true
        let done: (Result<Void, StoreFailure>) -> Void = { [weak self] result in
            guard let self else { return }
            isWriting = false
            guard case .success = result else { return retry() }
            pending.removeFirst()
            books[change.owner] = nil
            writeNext()
        }
        if change.isNew {
            store.create(change.task, owner: change.owner, then: done)
        } else {
            store.update(change.task, owner: change.owner, then: done)
        }
    }
}
