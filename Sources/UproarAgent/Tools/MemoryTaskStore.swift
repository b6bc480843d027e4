import UproarCore
import UproarRuntime

/// Tasks that live no longer than their call: where there is no store.
final class MemoryTaskStore: TaskStore {
    private var tasks: [StoredTask] = []

    func create(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        if !tasks.contains(where: { $0.id == task.id }) { tasks.append(task) }
        then(.success(()))
    }

    func list(owner: String, then: @escaping (Result<[StoredTask], StoreFailure>) -> Void) {
        then(.success(tasks))
    }

    func update(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        if let place = tasks.firstIndex(where: { $0.id == task.id }) { tasks[place] = task }
        then(.success(()))
    }
}
