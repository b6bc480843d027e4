import UproarCore

/// The pending timers of a loop, earliest deadline first; equal deadlines in the order of scheduling.
///
/// Insert, cancel and pop cost O(log n) and allocate nothing once the arrays have grown.
struct TimerQueue: ~Copyable {
    /// What one timer calls, and where it stands in the heap.
    private struct Slot {
        var handler: (any TimerHandler)?
        var token: UInt64
        /// The id of the timer that holds the slot; 0 when it is free.
        var id: UInt64
        /// Place in `heap`, or the next free slot.
        var place: Int32
    }

    /// A heap element: two words, so that sifting moves no references.
    private struct Entry {
        var deadline: Int64
        /// Order of scheduling in the upper 40 bits, slot in the lower 24.
        var id: UInt64

        func precedes(_ other: Entry) -> Bool {
            deadline != other.deadline ? deadline < other.deadline : id < other.id
        }
    }

    struct Due {
        let handler: any TimerHandler
        let token: UInt64
        let deadline: Instant
    }

    private static let slotBits: UInt64 = 24
    private var heap: [Entry] = []
    private var slots: [Slot] = []
    private var firstFree: Int32 = -1
    private var lastOrder: UInt64 = 0

    var count: Int { heap.count }

    /// The earliest deadline; `.distantFuture` when there is none.
    var firstDeadline: Instant {
        heap.isEmpty ? .distantFuture : Instant(nanoseconds: heap[0].deadline)
    }

    /// Every timer inserted so far sorts at or before this mark, every later one after it.
    var mark: UInt64 { lastOrder }

    mutating func insert(_ handler: any TimerHandler, token: UInt64, at deadline: Instant)
        -> TimerID
    {
        lastOrder += 1
        precondition(lastOrder < 1 << 40, "a loop has scheduled 2^40 timers")
        let slot: Int
        if firstFree >= 0 {
            slot = Int(firstFree)
            firstFree = slots[slot].place
        } else {
            slot = slots.count
            precondition(slot < 1 << Int(Self.slotBits), "2^24 timers are pending on one loop")
            slots.append(Slot(handler: nil, token: 0, id: 0, place: 0))
        }
        let id = lastOrder << Self.slotBits | UInt64(slot)
        slots[slot].handler = handler
        slots[slot].token = token
        slots[slot].id = id
        let entry = Entry(deadline: deadline.nanoseconds, id: id)
        heap.append(entry)
        rise(entry, from: heap.count - 1)
        return TimerID(sequence: id)
    }

    /// Returns false when the timer has fired or was cancelled before.
    @discardableResult
    mutating func remove(_ timer: TimerID) -> Bool {
        let slot = Int(timer.sequence & (1 << Self.slotBits - 1))
        guard timer != .none, slot < slots.count, slots[slot].id == timer.sequence else {
            return false
        }
        let place = Int(slots[slot].place)
        release(slot)
        let last = heap.removeLast()
        if place < heap.count {
            if place > 0, last.precedes(heap[(place - 1) / 4]) {
                rise(last, from: place)
            } else {
                sink(last, from: place)
            }
        }
        return true
    }

    /// Takes the first timer if it is due at `now` and was inserted no later than `mark`.
    ///
    /// A timer that a handler adds during a pass sorts behind all that are due in that pass, because the loop never
    /// inserts below the time of its last pass. So a first timer beyond the mark ends the pass.
    mutating func popDue(at now: Instant, upTo mark: UInt64) -> Due? {
        guard let first = heap.first, first.deadline <= now.nanoseconds,
            first.id >> Self.slotBits <= mark
        else { return nil }
        let slot = Int(first.id & (1 << Self.slotBits - 1))
        guard let handler = slots[slot].handler.take() else {
            preconditionFailure("timer \(first.id) is in the heap without a handler")
        }
        let due = Due(
            handler: handler, token: slots[slot].token,
            deadline: Instant(nanoseconds: first.deadline))
        release(slot)
        let last = heap.removeLast()
        if !heap.isEmpty { sink(last, from: 0) }
        return due
    }

    private mutating func release(_ slot: Int) {
        slots[slot].handler = nil
        slots[slot].id = 0
        slots[slot].place = firstFree
        firstFree = Int32(slot)
    }

    private mutating func rise(_ entry: Entry, from start: Int) {
        Self.rise(entry, from: start, &heap, &slots)
    }

    private mutating func sink(_ entry: Entry, from start: Int) {
        Self.sink(entry, from: start, &heap, &slots)
    }

    // The arrays are asked once for their storage, not at each step.

    @inline(__always)
    private static func put(
        _ entry: Entry, at place: Int, _ heap: UnsafeMutableBufferPointer<Entry>,
        _ slots: UnsafeMutableBufferPointer<Slot>
    ) {
        heap[place] = entry
        slots[Int(entry.id & (1 << slotBits - 1))].place = Int32(truncatingIfNeeded: place)
    }

    private static func rise(
        _ entry: Entry, from start: Int, _ heap: inout [Entry], _ slots: inout [Slot]
    ) {
        heap.withUnsafeMutableBufferPointer { heap in
            slots.withUnsafeMutableBufferPointer { slots in
                var place = start
                while place > 0 {
                    let parent = (place - 1) / 4
                    guard entry.precedes(heap[parent]) else { break }
                    put(heap[parent], at: place, heap, slots)
                    place = parent
                }
                put(entry, at: place, heap, slots)
            }
        }
    }

    private static func sink(
        _ entry: Entry, from start: Int, _ heap: inout [Entry], _ slots: inout [Slot]
    ) {
        heap.withUnsafeMutableBufferPointer { heap in
            slots.withUnsafeMutableBufferPointer { slots in
                var place = start
                while true {
                    let child = 4 * place + 1
                    guard child < heap.count else { break }
                    var least = child
                    for other in child + 1..<max(child + 1, min(child + 4, heap.count))
                    where heap[other].precedes(heap[least]) {
                        least = other
                    }
                    guard heap[least].precedes(entry) else { break }
                    put(heap[least], at: place, heap, slots)
                    place = least
                }
                put(entry, at: place, heap, slots)
            }
        }
    }
}
