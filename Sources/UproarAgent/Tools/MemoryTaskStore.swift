import UproarCore
import UproarRuntime

/// Tasks that live no longer than the process, or the call that has one of these to itself: where there is no store.
final class MemoryTaskStore: TaskStore {
    /// Whoever asked longest ago is forgotten: anybody may ask, by any name.
    private static let ownerLimit = 1000

    private var lists = OrderedTable<String, [StoredTask]>()

    func create(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        var tasks = lists[owner] ?? []
        lists[owner] = nil
        if !tasks.contains(where: { $0.id == task.id }) { tasks.append(task) }
        lists[owner] = tasks
        if lists.count > Self.ownerLimit { lists[lists.keys[0]] = nil }
        then(.success(()))
    }

    func list(owner: String, then: @escaping (Result<[StoredTask], StoreFailure>) -> Void) {
        then(.success(lists[owner] ?? []))
    }

    func update(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        if let place = lists[owner]?.firstIndex(where: { $0.id == task.id }) {
            lists[owner]?[place] = task
        }
        then(.success(()))
    }
}
