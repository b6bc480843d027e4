import UproarCore
import UproarRuntime

@testable import UproarAgent

/// A task store in memory that answers to what is created after a delay.
final class SlowTaskStore: TaskStore {
    private let inner = MemoryTaskStore()
    private let delay: Duration
    private let loop: EventLoop

    init(_ delay: Duration, loop: EventLoop) {
        self.delay = delay
        self.loop = loop
    }

    func create(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        loop.schedule(at: loop.now + delay) { [inner] in
            inner.create(task, owner: owner, then: then)
        }
    }

    func list(owner: String, then: @escaping (Result<[StoredTask], StoreFailure>) -> Void) {
        inner.list(owner: owner, then: then)
    }

    func update(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        inner.update(task, owner: owner, then: then)
    }
}
