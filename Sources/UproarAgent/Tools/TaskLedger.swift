import UproarCore
import UproarRuntime

/// Tasks in the store, with the lists of late callers kept at hand, and changes kept while the store cannot be reached.
///
/// A list is asked for again after `freshFor`, or as soon as a task of it has changed; what there is of it stands in where the store
/// cannot be reached. A change that the store did not take is made on the list at hand and written when the store is back; a
/// task has its id from the tool call, so that writing it twice makes one task.
final class TaskLedger: TaskStore, TimerHandler {
    private static let freshFor = Duration.seconds(30)
    private static let ownerLimit = 1000
    private static let pendingLimit = 10_000
    private static let retryEvery = Duration.seconds(1)

    private struct Book {
        /// Nil until the store has been read.
        var tasks: [StoredTask]?
        /// When the store was asked for it.
        var since = Instant.zero
        /// Nothing has changed since.
        var isCurrent = false
        /// Changes so far, by which an answer is known that was asked for before the last of them.
        var changes = 0
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
        let change = Change(owner: owner, task: task, isNew: true)
        store.create(task, owner: owner) { [self] result in
            guard case .failure = result else {
                made(change)
                return then(result)
            }
            keep(change, result, then)
        }
    }

    func update(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        let change = Change(owner: owner, task: task, isNew: false)
        store.update(task, owner: owner) { [self] result in
            guard case .failure = result else {
                made(change)
                return then(result)
            }
            keep(change, result, then)
        }
    }

    func list(owner: String, then: @escaping (Result<[StoredTask], StoreFailure>) -> Void) {
        if settings.taskCache, let book = books[owner], book.isCurrent, let tasks = book.tasks,
            loop.now - book.since < Self.freshFor
        {
            metrics.count(.taskCache, ["hit"])
            let known = applied(owner, to: tasks)
            return loop.schedule(at: loop.now) { then(.success(known)) }.done()
        }
        metrics.count(.taskCache, ["miss"])
        read(owner, then: then)
    }

    /// Has the list at hand before it is asked for.
    func prepare(_ owner: String) { read(owner) { _ in } }

    private func read(
        _ owner: String, then: @escaping (Result<[StoredTask], StoreFailure>) -> Void
    ) {
        let asked = loop.now
        let changes = books[owner]?.changes ?? 0
        store.list(owner: owner) { [self] result in
            switch result {
            case .success(let tasks):
                var book = books[owner] ?? Book()
                // What has changed meanwhile may be missing in this answer.
                if book.changes == changes || book.tasks == nil {
                    book.tasks = tasks
                    book.since = asked
                    book.isCurrent = book.changes == changes
                    put(owner, book)
                }
                then(.success(applied(owner, to: tasks)))
            case .failure(let failure):
                metrics.storeFailed(failure)
                let known = books[owner]?.tasks
                let isChanged = pending.contains { $0.owner == owner }
                guard settings.sessionMemory, known != nil || isChanged else {
                    return then(.failure(failure))
                }
                then(.success(applied(owner, to: known ?? [])))
            }
        }
    }

    // MARK: Memory

    private func put(_ owner: String, _ book: Book) {
        books[owner] = nil
        books[owner] = book
        if books.count > Self.ownerLimit { books[books.keys[0]] = nil }
    }

    /// The store has taken a change: the list at hand has it too, and is asked for anew when it is next wanted.
    private func made(_ change: Change) {
        guard settings.taskInvalidation else { return }
        var book = books[change.owner] ?? Book()
        if let tasks = book.tasks { book.tasks = Self.making(change, in: tasks) }
        book.isCurrent = false
        book.changes += 1
        put(change.owner, book)
    }

    private func applied(_ owner: String, to tasks: [StoredTask]) -> [StoredTask] {
        pending.lazy.filter { $0.owner == owner }.reduce(tasks) { Self.making($1, in: $0) }
    }

    private static func making(_ change: Change, in tasks: [StoredTask]) -> [StoredTask] {
        var tasks = tasks
        if let place = tasks.firstIndex(where: { $0.id == change.task.id }) {
            if !change.isNew { tasks[place] = change.task }
        } else {
            tasks.append(change.task)
        }
        return tasks
    }

    private func keep(
        _ change: Change, _ result: Result<Void, StoreFailure>,
        _ then: (Result<Void, StoreFailure>) -> Void
    ) {
        if case .failure(let failure) = result { metrics.storeFailed(failure) }
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
            made(change)
            writeNext()
        }
        if change.isNew {
            store.create(change.task, owner: change.owner, then: done)
        } else {
            store.update(change.task, owner: change.owner, then: done)
        }
    }
}
