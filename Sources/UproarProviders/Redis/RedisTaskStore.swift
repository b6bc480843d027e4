import UproarCore
import UproarRuntime
import UproarWire

/// Tasks as one Redis hash for each owner, `voice:tasks:{owner}`: task id → JSON of the task.
package final class RedisTaskStore: TaskStore {
    private let client: RedisClient

    package init(_ client: RedisClient) { self.client = client }

    package static func key(_ owner: String) -> String { "voice:tasks:\(owner)" }

    package func create(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        client.send(command("HSETNX", task, owner)) { then($0.map { _ in }) }
    }

    package func update(
        _ task: StoredTask, owner: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        client.send(command("HSET", task, owner)) { then($0.map { _ in }) }
    }

    private func command(_ name: String, _ task: StoredTask, _ owner: String) -> [[UInt8]] {
        [
            Array(name.utf8), Array(Self.key(owner).utf8), Array(task.id.utf8),
            task.json.encoded(),
        ]
    }

    package func list(
        owner: String, then: @escaping (Result<[StoredTask], StoreFailure>) -> Void
    ) {
        client.send(["HVALS", Self.key(owner)]) { reply in
            then(
                reply.flatMap { value in
                    guard case .array(let items) = value else {
                        return .failure(.malformed("HVALS answered with \(value.kind)"))
                    }
                    return .success(Self.tasks(items))
                })
        }
    }

    /// What is no task is not ours, and left alone. A hash has no order: the oldest come first, then by id.
    private static func tasks(_ items: [RESPValue]) -> [StoredTask] {
        items.compactMap { item -> StoredTask? in
            guard case .bulk(let bytes) = item, let json = try? JSONParser.parse(bytes) else {
                return nil
            }
            return StoredTask(json)
        }
        .sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }
}
