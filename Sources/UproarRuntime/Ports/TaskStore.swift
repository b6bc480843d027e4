import UproarCore

/// Keeps callers' tasks outside the process: what the agent's tools change, and what a run checks to see that they did.
///
/// Every verb ends within the store's own deadline.
package protocol TaskStore: AnyObject {
    /// Keeps a new task. A task of this owner with this id is left as it is, so that a repeated call creates nothing.
    func create(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void)
    /// The owner's tasks, oldest first.
    func list(owner: String, then: @escaping (Result<[StoredTask], StoreFailure>) -> Void)
    /// Writes a task of this id over the old one.
    func update(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void)
}

package struct StoredTask: Hashable, Sendable {
    /// Unique for its owner.
    package var id: String
    package var title: String
    package var isDone: Bool
    /// Milliseconds of the Unix epoch.
    package var createdAt: Int64

    package init(id: String, title: String, isDone: Bool = false, createdAt: Int64) {
        self.id = id
        self.title = title
        self.isDone = isDone
        self.createdAt = createdAt
    }
}

/// The stored form: `{"id":"…","title":"…","done":false,"created_at":…}`.
extension StoredTask {
    package var json: JSONValue {
        [
            "id": .string(id), "title": .string(title), "done": .bool(isDone),
            "created_at": .integer(createdAt),
        ]
    }

    /// Nil when it is no such object.
    package init?(_ json: JSONValue) {
        guard let id = json["id"]?.text, let title = json["title"]?.text else { return nil }
        self.init(
            id: id, title: title, isDone: json["done"]?.isTrue ?? false,
            createdAt: Int64(json["created_at"]?.int ?? 0))
    }
}
