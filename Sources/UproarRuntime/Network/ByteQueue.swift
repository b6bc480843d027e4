/// Bytes in order: appended at the back, taken from the front. Grows by doubling, allocates nothing once warm.
///
/// What waits is always contiguous, so that it can be handed out as one span.
package struct ByteQueue: ~Copyable {
    private var storage: UnsafeMutableRawBufferPointer
    private var head = 0
    private var tail = 0

    package init() { storage = UnsafeMutableRawBufferPointer(start: nil, count: 0) }

    deinit { storage.deallocate() }

    package var count: Int { tail - head }
    package var isEmpty: Bool { head == tail }

    /// The waiting bytes. Good until the queue is changed or goes away.
    package var unsafeBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: storage[head..<tail])
    }

    package mutating func append(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { append(unsafe: $0) }
    }

    package mutating func append(unsafe bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        makeRoom(for: bytes.count)
        (storage.baseAddress! + tail).copyMemory(from: start, byteCount: bytes.count)
        tail += bytes.count
    }

    /// Lets `body` write up to `capacity` bytes at the back; it returns how many it wrote.
    package mutating func append(
        capacity: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        makeRoom(for: capacity)
        let written = body(
            UnsafeMutableRawBufferPointer(rebasing: storage[tail..<tail + capacity]))
        precondition(
            written >= 0 && written <= capacity, "\(written) bytes put where \(capacity) fit")
        tail += written
    }

    package mutating func removeFirst(_ amount: Int) {
        precondition(amount >= 0 && amount <= count, "\(amount) bytes taken of \(count)")
        head += amount
        if head == tail {
            head = 0
            tail = 0
        }
    }

    package mutating func removeAll() {
        head = 0
        tail = 0
    }

    private mutating func makeRoom(for amount: Int) {
        guard storage.count - tail < amount else { return }
        let held = count
        // Moving forward is enough while at least half of the space is free after it.
        if head > 0, (held + amount) * 2 <= storage.count {
            storage.baseAddress!.copyMemory(from: storage.baseAddress! + head, byteCount: held)
        } else {
            let larger = UnsafeMutableRawBufferPointer.allocate(
                byteCount: max(512, (held + amount) * 2), alignment: 16)
            if held > 0 {
                larger.baseAddress!.copyMemory(
                    from: storage.baseAddress! + head, byteCount: held)
            }
            storage.deallocate()
            storage = larger
        }
        head = 0
        tail = held
    }
}
