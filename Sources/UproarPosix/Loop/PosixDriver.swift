import CUproarShims
import Glibc
import UproarCore
import UproarRuntime

/// Real time over epoll: the world of live runs. Belongs to one loop; all but `wake` is called on its thread.
///
/// Descriptors are watched level-triggered unless asked otherwise: a handler that takes only a part of what is ready is called
/// again.
package final class PosixDriver: LoopDriver, @unchecked Sendable {
    private struct Entry {
        var handler: (any DescriptorHandler)?
        var descriptor: Int32
        var generation: UInt32
        var needs = InlineArray<3, MemoryPart>(repeating: .none)
    }

    package let clock: RunClock
    private let epoll: Descriptor
    private let wakeup: Descriptor
    private let events: UnsafeMutableBufferPointer<epoll_event>
    private var entries: [Entry] = []
    private var freeSlots: [Int] = []

    /// The wake-up descriptor's own mark in an event.
    private static let wakeBits = UInt64.max

    package init(clock: RunClock) throws(Errno) {
        self.clock = clock
        epoll = Descriptor(
            owning: try systemCall("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
        wakeup = Descriptor(
            owning: try systemCall("eventfd") { uproar_wakeup_descriptor() })
        events = .allocate(capacity: 512)
        try control(EPOLL_CTL_ADD, wakeup.number, .readable, Self.wakeBits)
    }

    deinit { events.deallocate() }

    package var now: Instant { clock.now }

    /// With patience the loop sleeps until its next deadline, or until this long after its last look at input, before it looks
    /// again: a thousand streams are then read some dozens at a time, where each alone would cost a wake-up.
    package var inputPatience = Duration.zero {
        didSet { patienceLength = inputPatience.nanoseconds }
    }
    private var patienceLength: Int64 = 0
    private var lastLook = Int64.min

    /// Whether streams of this loop ask for the kernel's receive times.
    var readsStamps = false
    /// CLOCK_REALTIME, which such times are in, minus the run's clock; taken with each look at input.
    private var stampOffset: Int64 = 0

    /// The kernel's receive time on the run's clock; now when it gives none, or a clock was set meanwhile.
    func instant(ofStamp stamp: Int64) -> Instant {
        let at = stamp &- stampOffset
        let age = lastLook &- at
        guard stamp != 0, age < 1_000_000_000, age > -1_000_000_000 else { return now }
        return Instant(nanoseconds: at)
    }

    private func takeStampOffset() {
        lastLook = now.nanoseconds
        stampOffset = realtimeNanoseconds() &- lastLook
    }

    // MARK: Watching

    /// Calls `handler`, which is kept alive, whenever one of `events` is so. The descriptor stays the caller's, who must
    /// `unwatch` before closing it.
    package func watch(
        _ descriptor: Int32, for events: DescriptorEvents, handler: any DescriptorHandler
    ) throws(Errno) -> WatchID {
        let slot = freeSlots.last ?? entries.count
        let generation = slot < entries.count ? entries[slot].generation &+ 1 : 1
        let id = WatchID(slot: slot, generation: generation)
        try control(EPOLL_CTL_ADD, descriptor, events, id.bits)
        let entry = Entry(handler: handler, descriptor: descriptor, generation: generation)
        if slot < entries.count {
            freeSlots.removeLast()
            entries[slot] = entry
        } else {
            entries.append(entry)
        }
        return id
    }

    /// Watches for other events than before; for none of them, failure and hang-up are still reported.
    package func change(_ id: WatchID, to events: DescriptorEvents) {
        guard let entry = entry(of: id) else { return }
        do {
            try control(EPOLL_CTL_MOD, entry.descriptor, events, id.bits)
        } catch {
            preconditionFailure("a watched descriptor cannot be changed: \(error)")
        }
    }

    /// Harmless when it is not watched any more.
    package func unwatch(_ id: WatchID) {
        guard let entry = entry(of: id) else { return }
        do {
            try control(EPOLL_CTL_DEL, entry.descriptor, [], id.bits)
        } catch {
            preconditionFailure("a descriptor was closed while it was watched: \(error)")
        }
        release(id)
    }

    // A library's descriptors are closed when it likes: libcurl 7.88 closes a socket that is still connecting before it takes
    // back the watch (`cf_socket_close`), and epoll forgets what is closed.

    /// As `change`, for a descriptor that its owner may have closed meanwhile. Answers whether it is still watched.
    package func changeIfOpen(_ id: WatchID, to events: DescriptorEvents) -> Bool {
        guard let entry = entry(of: id) else { return false }
        var event = epoll_event()
        event.events = events.rawValue
        event.data.u64 = id.bits
        return epoll_ctl(epoll.number, EPOLL_CTL_MOD, entry.descriptor, &event) == 0
    }

    /// As `unwatch`, for a descriptor that its owner may have closed already.
    package func forget(_ id: WatchID) {
        guard let entry = entry(of: id) else { return }
        var event = epoll_event()
        _ = epoll_ctl(epoll.number, EPOLL_CTL_DEL, entry.descriptor, &event)
        release(id)
    }

    private func release(_ id: WatchID) {
        entries[id.slot].handler = nil
        entries[id.slot].generation &+= 1
        freeSlots.append(id.slot)
    }

    private func handler(of id: WatchID) -> (any DescriptorHandler)? {
        guard id.slot < entries.count, entries[id.slot].generation == id.generation else {
            return nil
        }
        return entries[id.slot].handler
    }

    private func entry(of id: WatchID) -> Entry? {
        guard id.slot < entries.count, entries[id.slot].generation == id.generation,
            entries[id.slot].handler != nil
        else { return nil }
        return entries[id.slot]
    }

    private func control(
        _ operation: Int32, _ descriptor: Int32, _ events: DescriptorEvents, _ bits: UInt64
    ) throws(Errno) {
        var event = epoll_event()
        event.events = events.rawValue
        event.data.u64 = bits
        try systemCall("epoll_ctl") { epoll_ctl(epoll.number, operation, descriptor, &event) }
    }

    // MARK: Waiting

    package func wait(until deadline: Instant) -> Bool {
        if patienceLength > 0 { gather(until: deadline) }
        let count = poll(for: patience(until: deadline))
        if readsStamps, count > 0 { takeStampOffset() }
        let isCrowd = patienceLength > 0
        for index in 0..<count {
            if isCrowd { prefetch(behind: index, of: count) }
            let event = events[index]
            if event.data.u64 == Self.wakeBits {
                takeWakeups()
            } else if let handler = handler(of: WatchID(bits: event.data.u64)) {
                handler.ready(DescriptorEvents(rawValue: event.events))
            }
        }
        return true
    }

    private func gather(until deadline: Instant) {
        let now = now.nanoseconds
        let left = min(deadline.nanoseconds, lastLook &+ patienceLength) &- now
        guard left > 0, left <= patienceLength else {
            lastLook = now
            return
        }
        uproar_sleep(left)
        lastLook = now &+ left
    }

    /// Nanoseconds; negative without a limit.
    private func patience(until deadline: Instant) -> Int64 {
        if deadline == .distantFuture { return -1 }
        if deadline.nanoseconds == .min { return 0 }
        return max(0, deadline.nanoseconds &- now.nanoseconds)
    }

    /// An interrupted wait is an empty one: the loop computes the next from its deadlines.
    private func poll(for nanoseconds: Int64) -> Int {
        let count = uproar_epoll_wait(
            epoll.number, events.baseAddress, Int32(events.count), nanoseconds)
        if count >= 0 { return Int(count) }
        precondition(errno == EINTR, "epoll_pwait2 failed with errno \(errno)")
        return 0
    }

    package func prefetch(_ parts: UnsafeBufferPointer<MemoryPart>) {
        parts.withMemoryRebound(to: uproar_memory_part.self) {
            uproar_prefetch($0.baseAddress, $0.count)
        }
    }

    /// What the handler and those behind it need when it is told of events.
    func setNeeds(_ parts: [MemoryPart], of id: WatchID) {
        guard entry(of: id) != nil else { return }
        for index in parts.indices.prefix(3) { entries[id.slot].needs[index] = parts[index] }
    }

    /// Of a thousand streams none stays in the cache. Where many are read in a row, the memory for the next is fetched while one
    /// is read; where that memory is, is fetched one turn before.
    private func prefetch(behind index: Int, of count: Int) {
        entries.withUnsafeBufferPointer { entries in
            if index + 2 < count, let slot = slot(ofEvent: index + 2), slot < entries.count {
                uproar_prefetch_line(entries.baseAddress! + slot)
            }
            if index + 1 < count, let slot = slot(ofEvent: index + 1), slot < entries.count {
                entries[slot].needs.span.withUnsafeBufferPointer { prefetch($0) }
            }
        }
    }

    private func slot(ofEvent index: Int) -> Int? {
        let bits = events[index].data.u64
        return bits == Self.wakeBits ? nil : WatchID(bits: bits).slot
    }

    package func wake() {
        var one: UInt64 = 1
        // EAGAIN would mean 2^64 wake-ups outstanding; the loop is awake then.
        _ = Glibc.write(wakeup.number, &one, 8)
    }

    private func takeWakeups() {
        var count: UInt64 = 0
        _ = Glibc.read(wakeup.number, &count, 8)
    }
}
