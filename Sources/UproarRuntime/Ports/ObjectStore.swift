/// Keeps large objects by key, as S3 does. Every verb ends within the store's own deadlines.
///
/// `then` is called once, never before the verb returns.
package protocol ObjectStore: AnyObject {
    func put(
        _ bytes: [UInt8], at key: String, contentType: String,
        then: @escaping (Result<Void, ProviderFailure>) -> Void)
    /// Begins an object that comes in parts; each but the last has at least 5 MiB. The answer names the upload.
    func beginParts(
        at key: String, contentType: String,
        then: @escaping (Result<String, ProviderFailure>) -> Void)
    /// Parts count from 1. The answer is the part's tag.
    func put(
        part: Int, _ bytes: [UInt8], of upload: String, at key: String,
        then: @escaping (Result<String, ProviderFailure>) -> Void)
    /// - tags: of all parts, in order.
    func completeParts(
        _ tags: [String], of upload: String, at key: String,
        then: @escaping (Result<Void, ProviderFailure>) -> Void)
    func abortParts(
        of upload: String, at key: String,
        then: @escaping (Result<Void, ProviderFailure>) -> Void)
    /// Keys of uploads that were begun and not ended.
    func openUploads(then: @escaping (Result<[String], ProviderFailure>) -> Void)
    func get(_ key: String, then: @escaping (Result<[UInt8], ProviderFailure>) -> Void)
    /// One page, in the order of the keys' bytes, of what comes after the key `after`.
    func list(
        prefix: String, after: String?,
        then: @escaping (Result<[StoredObject], ProviderFailure>) -> Void)
    /// What is not there is deleted, too.
    func delete(_ key: String, then: @escaping (Result<Void, ProviderFailure>) -> Void)
}

package struct StoredObject: Hashable, Sendable {
    package var key: String
    package var byteCount: Int
    /// `2026-01-01T00:00:00.000Z`, as the store says it.
    package var storedAt: String

    package init(key: String, byteCount: Int, storedAt: String) {
        self.key = key
        self.byteCount = byteCount
        self.storedAt = storedAt
    }
}
