import UproarCore
import UproarCrypto

/// The objects of a store, in memory, up to a bound: then the oldest leave, as a life-cycle rule would have it.
package struct ObjectShelf {
    package struct Object: Hashable, Sendable {
        package var bytes: [UInt8]
        package var contentType: String
        /// With its quotes.
        package var tag: String
        /// Seconds since 1970.
        package var storedAt: Int64
        /// It is neither listed nor read before.
        package var shownFrom = Instant(nanoseconds: .min)
    }

    package struct Upload: Hashable, Sendable {
        package var bucket: String
        package var key: String
        package var contentType: String
        package var parts: [Int: Part] = [:]

        package init(bucket: String, key: String, contentType: String) {
            self.bucket = bucket
            self.key = key
            self.contentType = contentType
        }

        fileprivate var byteCount: Int { parts.values.reduce(0) { $0 + $1.bytes.count } }
    }

    package struct Part: Hashable, Sendable {
        package var bytes: [UInt8]
        /// In hexadecimal digits, without quotes.
        package var tag: String
    }

    private struct Name: Hashable {
        var bucket: String
        var key: String
    }

    private let byteLimit: Int
    private var objects = OrderedTable<Name, Object>()
    private var uploads = OrderedTable<String, Upload>()
    package private(set) var byteCount = 0
    /// Objects that left for want of room.
    package private(set) var evicted = 0

    /// The parts of an upload are numbered up to this (AWS, "Multipart upload limits").
    package static let partLimit = 10_000
    private static let uploadLimit = 1_000

    package init(byteLimit: Int = 512 << 20) { self.byteLimit = byteLimit }

    package var count: Int { objects.count }

    /// What is there and shown by now.
    package func object(_ bucket: String, _ key: String, at now: Instant) -> Object? {
        let object = objects[Name(bucket: bucket, key: key)]
        return object.flatMap { $0.shownFrom <= now ? $0 : nil }
    }

    /// The keys of a bucket that begin with `prefix` and are shown by now, in the order of their bytes.
    package func keys(in bucket: String, prefix: String, at now: Instant) -> [String] {
        zip(objects.keys, objects.values).filter { name, object in
            name.bucket == bucket && name.key.hasPrefix(prefix) && object.shownFrom <= now
        }.map(\.0.key).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Neither lists nor gives the object for so long.
    package mutating func hide(_ bucket: String, _ key: String, for time: Duration, at now: Instant)
    {
        let name = Name(bucket: bucket, key: key)
        guard var object = objects[name] else { return }
        object.shownFrom = now + time
        object.storedAt += Int64(time.inSeconds)
        objects[name] = object
    }

    @discardableResult
    package mutating func put(
        _ bytes: [UInt8], in bucket: String, as key: String, contentType: String, at seconds: Int64,
        tag: String? = nil
    ) -> Object {
        remove(bucket, key)
        let object = Object(
            bytes: bytes, contentType: contentType,
            tag: tag ?? "\"\(Hex.encode(Digest.md5.hash(bytes)))\"", storedAt: seconds)
        objects[Name(bucket: bucket, key: key)] = object
        byteCount += bytes.count
        makeRoom()
        return object
    }

    package mutating func remove(_ bucket: String, _ key: String) {
        let name = Name(bucket: bucket, key: key)
        guard let object = objects[name] else { return }
        byteCount -= object.bytes.count
        objects[name] = nil
    }

    private mutating func makeRoom() {
        while byteCount > byteLimit, objects.count > 1, let oldest = objects.keys.first {
            remove(oldest.bucket, oldest.key)
            evicted += 1
        }
        // Uploads that are never completed must not fill the memory either.
        while byteCount > byteLimit, let oldest = uploads.keys.first {
            abort(oldest)
            evicted += 1
        }
    }

    // MARK: Uploads in parts

    package mutating func begin(_ upload: Upload, id: String) {
        if uploads.count >= Self.uploadLimit, let oldest = uploads.keys.first { abort(oldest) }
        uploads[id] = upload
    }

    /// Begun and not ended, in the order of their beginning.
    package func uploads(in bucket: String) -> [(id: String, key: String)] {
        zip(uploads.keys, uploads.values).filter { $1.bucket == bucket }.map { ($0, $1.key) }
    }

    package func upload(_ id: String) -> Upload? { uploads[id] }

    /// The part's tag; nil when there is no such upload.
    ///
    /// - tag: what it is known by, when that is not of its own bytes.
    package mutating func put(
        part: Int, _ bytes: [UInt8], of id: String, tag: String? = nil
    ) -> String? {
        guard var upload = uploads[id] else { return nil }
        byteCount += bytes.count - (upload.parts[part]?.bytes.count ?? 0)
        let tag = tag ?? Hex.encode(Digest.md5.hash(bytes))
        upload.parts[part] = Part(bytes: bytes, tag: tag)
        uploads[id] = upload
        makeRoom()
        guard uploads[id] != nil else { return nil }
        return "\"\(tag)\""
    }

    package mutating func abort(_ id: String) {
        byteCount -= uploads[id]?.byteCount ?? 0
        uploads[id] = nil
    }

    /// Puts the parts together; nil when one of them is missing or another than its tag says.
    package mutating func complete(
        _ id: String, parts: [(number: Int, tag: String)], at seconds: Int64
    ) -> Object? {
        guard let upload = uploads[id], !parts.isEmpty else { return nil }
        var bytes: [UInt8] = []
        var digests: [UInt8] = []
        for part in parts {
            guard let piece = upload.parts[part.number] else { return nil }
            guard part.tag.filter({ $0 != "\"" }) == piece.tag else { return nil }
            bytes += piece.bytes
            digests += Hex.decode(piece.tag) ?? []
        }
        abort(id)
        let tag = "\"\(Hex.encode(Digest.md5.hash(digests)))-\(parts.count)\""
        return put(
            bytes, in: upload.bucket, as: upload.key, contentType: upload.contentType,
            at: seconds, tag: tag)
    }
}
