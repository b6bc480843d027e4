import Glibc
import Synchronization
import UproarCore

/// One thread's world: a clock, timers, ready jobs, a mailbox. The same in real and in virtual time; the `LoopDriver` differs.
///
/// It is the executor of the structured tasks and actors that live on it. `submit`, `enqueue` and `stop` may be called from any
/// thread; everything else belongs to the loop's own thread. The class is Sendable because executors must be, and unchecked
/// because that thread is the lock.
///
/// A turn: mail → input (waited for until the next deadline) → timers due → mail → ready jobs.
package final class EventLoop: @unchecked Sendable {
    package let driver: any LoopDriver

    /// How late timers fired since the last `takeLag`.
    package private(set) var lag = LoopLag()

    private var timers = TimerQueue()
    private var ready: ReadyQueue
    private let sleeps = SleepTable()
    private let mailbox = Mailbox()
    private var spareLetters: [Mailbox.Letter] = []
    /// The time of the last pass over due timers. All that was due at it has fired.
    private var lastPass = Instant(nanoseconds: .min)
    /// The thread that runs the loop now; 0 when none does.
    private let runner = Atomic<UInt>(0)
    private let isStopping = Atomic(false)

    /// So many jobs may run before the next look at input and timers.
    private static let jobsPerTurn = 1024

    package init(driver: any LoopDriver, order: ReadyOrder = .arrival) {
        self.driver = driver
        ready = ReadyQueue(order)
    }

    package var now: Instant { driver.now }

    // MARK: Timers

    /// Calls `handler` once, at or after `deadline`; keeps it alive until then or until the timer is cancelled.
    ///
    /// Equal deadlines fire in the order of scheduling. A deadline in the past fires in the next pass over the timers,
    /// never from within this call and never in the pass that is going on.
    @discardableResult
    package func schedule(_ handler: any TimerHandler, token: UInt64 = 0, at deadline: Instant)
        -> TimerID
    {
        timers.insert(handler, token: token, at: max(deadline, lastPass))
    }

    /// The same for the control plane: one allocation.
    @discardableResult
    package func schedule(at deadline: Instant, _ body: @escaping () -> Void) -> TimerID {
        schedule(ClosureTimer(body), at: deadline)
    }

    /// Cancels a timer, also one that is due in the pass going on. Harmless when it has fired or is `.none`.
    package func cancel(_ timer: TimerID) { timers.remove(timer) }

    package var pendingTimerCount: Int { timers.count }

    /// The lag since the last call of this, and starts anew.
    package func takeLag() -> LoopLag {
        let taken = lag
        lag = LoopLag()
        return taken
    }

    // MARK: Other threads

    /// Runs `body` on the loop, from any thread, in the order of submission.
    package func submit(_ body: @escaping @Sendable () -> Void) { deliver(.body(body)) }

    /// Ends `run` after the turn that is going on, from any thread.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        driver.wake()
    }

    /// Whether the calling thread is the one that runs the loop.
    package var isCurrent: Bool { runner.load(ordering: .relaxed) == pthread_self() }

    private func deliver(_ letter: Mailbox.Letter) {
        if mailbox.put(letter) { driver.wake() }
    }

    // MARK: Running

    /// Runs until `stop`, or until nothing can ever happen any more (simulation).
    package func run() {
        enter()
        while !takeStop(), turn(until: .distantFuture) {}
        leave()
    }

    /// Runs until the clock reads `limit` and all that was due by then has been done, or until `stop`.
    package func run(until limit: Instant) {
        enter()
        while !takeStop() {
            let isAlive = turn(until: limit)
            guard isAlive || now < limit else { break }
            if now >= limit, !isBusy(until: limit) { break }
        }
        leave()
    }

    /// One turn, which waits for input no longer than until `limit`. False when nothing can ever happen any more.
    @discardableResult
    package func runOnce(until limit: Instant = .distantFuture) -> Bool {
        enter()
        defer { leave() }
        return turn(until: limit)
    }

    /// Whether there is something to do at or before `limit`, as far as can be known without waiting.
    private func isBusy(until limit: Instant) -> Bool {
        if !ready.isEmpty || timers.firstDeadline <= limit { return true }
        return driver.nextInput.map { $0 <= limit } ?? false
    }

    /// When the next turn has something to do, as far as can be known: for a loop that another loop turns (simulated processes).
    package var nextTurn: Instant {
        if !ready.isEmpty || mailbox.isFilled { return now }
        return min(timers.firstDeadline, driver.nextInput ?? .distantFuture)
    }

    private func enter() {
        let (isFree, _) = runner.compareExchange(
            expected: 0, desired: pthread_self(), ordering: .acquiringAndReleasing)
        precondition(isFree, "a loop is run by one thread at a time, and not from within itself")
    }

    private func leave() { runner.store(0, ordering: .releasing) }

    private func takeStop() -> Bool {
        guard isStopping.load(ordering: .relaxed) else { return false }
        return isStopping.exchange(false, ordering: .acquiringAndReleasing)
    }

    private func turn(until limit: Instant) -> Bool {
        receiveMail()
        let deadline =
            ready.isEmpty ? min(timers.firstDeadline, limit) : Instant(nanoseconds: .min)
        let isAlive = driver.wait(until: deadline)
        fireTimers()
        receiveMail()
        runJobs()
        // Nothing was left to wait for; what ran since may have made something.
        return isAlive || !ready.isEmpty || mailbox.isFilled
            || timers.firstDeadline < .distantFuture
    }

    private func fireTimers() {
        guard timers.count > 0 else { return }
        let pass = now
        let mark = timers.mark
        lastPass = pass
        while let due = timers.popDue(at: pass, upTo: mark) {
            let now = now
            lag.record(nanoseconds: now.nanoseconds &- due.deadline.nanoseconds)
            due.handler.timerFired(token: due.token, now: now)
        }
    }

    private func receiveMail() {
        guard mailbox.take(into: &spareLetters) else { return }
        var letters: [Mailbox.Letter] = []
        swap(&letters, &spareLetters)
        for letter in letters {
            switch letter {
            case .job(let job): ready.append(job)
            case .body(let body): body()
            }
        }
        letters.removeAll(keepingCapacity: true)
        swap(&letters, &spareLetters)
    }

    private func runJobs() {
        var budget = Self.jobsPerTurn
        while budget > 0, let job = ready.next() {
            budget -= 1
            job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
    }
}

// MARK: - Tasks and actors

extension EventLoop: TaskExecutor, SerialExecutor {
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent { ready.append(job) } else { deliver(.job(job)) }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    /// Lets handlers that the loop calls enter actors of the loop with `assumeIsolated`.
    package func checkIsolated() {
        let runner = runner.load(ordering: .relaxed)
        precondition(
            runner == 0 || runner == pthread_self(), "this code is not on its loop's thread")
    }

    /// Starts a root task that prefers this loop: the one place where a task is made outside a task. From any thread.
    ///
    /// What the body awaits without an actor of its own, its child tasks and its default actors all run on the loop.
    @discardableResult
    package func start(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: self) { await body() }
    }

    /// Suspends the calling task, which must run on this loop, until `deadline`.
    ///
    /// Throws `CancellationError` as soon as the task is cancelled, from whatever thread.
    package func sleep(until deadline: Instant) async throws {
        precondition(isCurrent, "a task sleeps on the loop that runs it")
        if Task.isCancelled { throw CancellationError() }
        let slot = sleeps.reserve()
        let timer = schedule(sleeps, token: UInt64(slot), at: deadline)
        sleeps.fill(slot, timer: timer)
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                if !sleeps.fill(slot, timer: timer, continuation: continuation) {
                    continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            if isCurrent {
                wake(slot, timer)
            } else {
                submit { self.wake(slot, timer) }
            }
        }
    }

    package func sleep(for duration: Duration) async throws {
        try await sleep(until: now + duration)
    }

    private func wake(_ slot: Int, _ timer: TimerID) {
        cancel(timer)
        sleeps.cancel(slot, timer: timer)
    }
}
