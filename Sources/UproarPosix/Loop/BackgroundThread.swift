import Glibc
import Synchronization
import UproarRuntime

/// One thread that does background work for one loop, in order. Ends when it goes out of use and its work is done.
package final class BackgroundThread: BackgroundWorker {
    /// So many pieces may wait.
    package static let queueLimit = 4096

    private let loop: EventLoop
    private let queue = WorkQueue()

    /// `name` shows in `ps -L`; the kernel keeps 15 bytes of it.
    package init(name: String, loop: EventLoop) throws(Errno) {
        self.loop = loop
        let queue = queue
        try startThread(name: name) { queue.work() }
    }

    deinit { queue.close() }

    @discardableResult
    package func run<Outcome: Sendable>(
        _ work: @escaping @Sendable () -> Outcome, then: @escaping (Outcome) -> Void
    ) -> Bool {
        let loop = loop
        let then = LoopBound(then)
        return queue.put {
            let outcome = work()
            loop.submit { then.value(outcome) }
        }
    }
}

/// Carries something that belongs to a loop through another thread, which must not open it.
private struct LoopBound<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Work that waits for its thread.
private final class WorkQueue: Sendable {
    private struct State {
        var pieces: [@Sendable () -> Void] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let condition = Condition()

    func put(_ piece: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = state.withLock { state in
            guard state.pieces.count < BackgroundThread.queueLimit else { return false }
            state.pieces.append(piece)
            return true
        }
        if isTaken { condition.signal() }
        return isTaken
    }

    func close() {
        state.withLock { $0.isClosed = true }
        condition.signal()
    }

    func work() {
        while true {
            condition.wait()
            let (pieces, isClosed) = state.withLock { state in
                defer { state.pieces = [] }
                return (state.pieces, state.isClosed)
            }
            for piece in pieces { piece() }
            if isClosed, pieces.isEmpty { return }
            if isClosed { condition.signal() }
        }
    }
}

/// A signal that is remembered until somebody waits for it. The C functions are `sem_post` and `sem_wait`.
private final class Condition: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0 {}
    }
}
