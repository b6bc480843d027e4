import Glibc
import UproarCore

/// Bytes that arrived and were not read yet: they come in at the end and leave at the front. One allocation once warm.
struct InputBuffer: ~Copyable {
    /// An empty buffer larger than this is given back.
    private static let idleCapacity = 256 << 10

    private(set) var storage: [UInt8] = []
    /// Where the unread bytes begin in `storage`.
    private(set) var start = 0

    var count: Int { storage.count - start }
    var isEmpty: Bool { start == storage.count }

    /// The byte `offset` places into the unread bytes.
    subscript(offset: Int) -> UInt8 { storage[start + offset] }

    /// Room is made by moving the unread bytes to the front where that is cheap; absolute ranges die here.
    mutating func append(_ bytes: RawSpan) {
        if start == storage.count {
            start = 0
            if storage.capacity > Self.idleCapacity, bytes.byteCount <= Self.idleCapacity {
                storage = []
            } else {
                storage.removeAll(keepingCapacity: true)
            }
        } else if storage.capacity - storage.count < bytes.byteCount, start >= count {
            storage.removeSubrange(..<start)
            start = 0
        }
        storage.reserveRoom(for: bytes.byteCount)
        bytes.withUnsafeBytes { storage.append(contentsOf: $0) }
    }

    /// Marks the first `count` bytes as read and says where they lie in `storage` until the next `append`.
    @discardableResult
    mutating func consume(_ count: Int) -> Range<Int> {
        let range = start..<start + count
        start += count
        return range
    }

    /// The offset of the first such byte at or after `offset`. The C function is `memchr`.
    func firstIndex(of byte: UInt8, from offset: Int = 0) -> Int? {
        storage.withUnsafeBytes { bytes in
            let rest = bytes[(start + offset)...]
            guard !rest.isEmpty, let base = bytes.baseAddress,
                let found = memchr(base + rest.startIndex, Int32(byte), rest.count)
            else { return nil }
            return UnsafeRawPointer(found) - base - start
        }
    }

    func text(_ range: Range<Int>) -> String { String(decoding: storage[range], as: UTF8.self) }

    /// All unread bytes, which are then read.
    mutating func takeAll() -> [UInt8] {
        let rest = Array(storage[start...])
        start = storage.count
        return rest
    }
}
