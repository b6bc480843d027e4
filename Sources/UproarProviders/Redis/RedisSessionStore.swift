import UproarCore
import UproarRuntime
import UproarWire

/// Sessions as Redis keys that expire: `GET`, `SETEX`, `DEL`.
package final class RedisSessionStore: SessionStore {
    private let client: RedisClient

    package init(_ client: RedisClient) { self.client = client }

    package func load(_ key: String, then: @escaping (Result<[UInt8]?, StoreFailure>) -> Void) {
        client.send(["GET", key]) { reply in
            then(
                reply.flatMap { value in
                    switch value {
                    case .bulk(let bytes): .success(bytes)
                    case .null: .success(nil)
                    default: .failure(.malformed("GET answered with \(value.kind)"))
                    }
                })
        }
    }

    package func save(
        _ value: [UInt8], at key: String, keepFor: Duration,
        then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        let seconds = max(1, keepFor.nanoseconds / 1_000_000_000)
        client.send(
            [Array("SETEX".utf8), Array(key.utf8), Array(String(seconds).utf8), value]
        ) { then($0.map { _ in }) }
    }

    package func delete(
        _ key: String, then: @escaping (Result<Void, StoreFailure>) -> Void
    ) {
        client.send(["DEL", key]) { then($0.map { _ in }) }
    }
}

extension RESPValue {
    /// A word for what it is, without what it holds.
    var kind: String {
        switch self {
        case .simple: "a status"
        case .error: "an error"
        case .integer: "a number"
        case .bulk: "a string"
        case .array: "an array"
        case .null: "null"
        }
    }
}
