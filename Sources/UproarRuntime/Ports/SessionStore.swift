import UproarCore

/// Keeps session state outside the process. Every verb ends within the store's own deadline.
package protocol SessionStore: AnyObject {
    func load(_ key: String, then: @escaping (Result<[UInt8]?, StoreFailure>) -> Void)
    func save(
        _ value: [UInt8], at key: String, keepFor: Duration,
        then: @escaping (Result<Void, StoreFailure>) -> Void)
    func delete(_ key: String, then: @escaping (Result<Void, StoreFailure>) -> Void)
}

package enum StoreFailure: Error, Hashable, Sendable {
    case unreachable(String)
    case timedOut
    /// The server's own error line (`READONLY …`, `NOAUTH …`).
    case refused(String)
    case malformed(String)
}
