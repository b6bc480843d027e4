import UproarCore
import UproarRuntime
import UproarStatistics

/// Sends the frames of all callers of one loop, each at its own phase, from one timer.
///
/// Time is cut into ticks of 250 µs counted from the run's epoch; a caller owns one of the 80 ticks of each 20 ms, drawn from
/// the seed, so that callers share no grid. A frame's due time is its tick's time, computed and never accumulated.
///
/// ```
/// tick   0    1    2   …   79 |  80   81   82  …      (80 ticks = 20 ms)
///        a              b     |   a              b     a's frames are due at ticks 0, 80, 160, …
/// ```
/// A loop that comes late sends at most two frames of a call back to back; older ones are skipped and counted.
///
/// Under load much is done at once: from `crowd` callers on two ticks are served together, so that a frame may leave 250 µs
/// after it was due, which its lateness shows, and what comes back waits up to `inputPatience` to be read together.
package final class CallerEngine: TimerHandler {
    package static let ticksPerFrame = 80
    package static let tickLength = Duration.microseconds(250)
    /// Frames whose due time lies further back than this are skipped: two frames.
    private static let catchUpTicks = Int64(2 * ticksPerFrame)

    /// So many callers on one loop are many.
    package static let crowd = 400
    private static let inputPatience = Duration.milliseconds(1)
    private static let crowdStride: Int64 = 4

    private let loop: EventLoop
    private var isCrowded = false
    private var stride: Int64 = 1
    private var slots = [[any FrameSender]](repeating: [], count: ticksPerFrame)
    /// What the senders of each slot need at hand.
    private var memory = [[MemoryPart]](repeating: [], count: ticksPerFrame)
    private var lastTick: Int64 = .min
    /// The tick that the timer is for: nobody is due in those between.
    private var awaited: Int64 = .min
    private var timer = TimerID.none
    private var isServing = false
    private var leaving: [(slot: Int, sender: any FrameSender)] = []
    package private(set) var senderCount = 0
    package private(set) var pacing = PacingCount()

    package init(loop: EventLoop) { self.loop = loop }

    /// The first due time at or after `start` of a caller with this slot.
    package static func firstDue(from start: Instant, slot: Int) -> Instant {
        let tick = Int64(ticksPerFrame)
        let now = firstTick(from: start)
        let offset = (Int64(slot) - now % tick + tick) % tick
        return Instant(nanoseconds: (now + offset) * tickLength.nanoseconds)
    }

    private static func firstTick(from start: Instant) -> Int64 {
        (start.nanoseconds + tickLength.nanoseconds - 1) / tickLength.nanoseconds
    }

    /// Adds a caller, whose first frame is due at `firstDue` (of its slot).
    package func add(_ sender: any FrameSender, slot: Int) {
        slots[slot].append(sender)
        memory[slot] += sender.memory
        senderCount += 1
        if !isServing { passIdleTicks() }
        adapt()
        if !isServing { arm() }
    }

    /// Ticks of the past in which nobody was due are over, or who joins now would get a frame for a time before it was there.
    private func passIdleTicks() {
        let before = Self.firstTick(from: loop.now) - 1
        if senderCount == 1 || awaited > before { lastTick = max(lastTick, before) }
    }

    /// Few callers are served tick by tick, many in larger steps. Some leeway keeps a changing crowd from switching to and fro.
    private func adapt() {
        let isCrowd = senderCount >= (isCrowded ? Self.crowd * 3 / 4 : Self.crowd)
        guard isCrowd != isCrowded else { return }
        isCrowded = isCrowd
        loop.driver.inputPatience = isCrowd ? Self.inputPatience : .zero
        // Virtual time takes no patience, nor would it gain by larger steps.
        stride = loop.driver.inputPatience == .zero ? 1 : Self.crowdStride
    }

    package func remove(_ sender: any FrameSender, slot: Int) {
        if isServing {
            leaving.append((slot, sender))
        } else {
            drop(sender, slot: slot)
        }
    }

    private func drop(_ sender: any FrameSender, slot: Int) {
        guard let place = slots[slot].firstIndex(where: { $0 === sender }) else { return }
        slots[slot].remove(at: place)
        memory[slot] = slots[slot].flatMap(\.memory)
        senderCount -= 1
        adapt()
    }

    /// What was counted since the last call.
    package func drainPacing() -> PacingCount {
        let drained = pacing
        pacing.clear()
        return drained
    }

    private static func tick(at now: Instant) -> Int64 { now.nanoseconds / tickLength.nanoseconds }

    private func arm() {
        loop.cancel(timer)
        timer = .none
        guard senderCount > 0 else { return }
        // The next tick at which somebody is due.
        for step in 1...Int64(Self.ticksPerFrame) {
            let tick = lastTick + step
            if !slots[Int(tick % Int64(Self.ticksPerFrame))].isEmpty {
                let served = (tick + stride - 1) / stride * stride
                awaited = tick
                timer = loop.schedule(
                    self, token: 0,
                    at: Instant(nanoseconds: served * Self.tickLength.nanoseconds))
                return
            }
        }
    }

    private func prefetch(upTo current: Int64) {
        guard current - lastTick <= Self.crowdStride else { return }
        for tick in lastTick..<current {
            memory[Int((tick + 1) % Int64(Self.ticksPerFrame))].withUnsafeBufferPointer {
                loop.driver.prefetch($0)
            }
        }
    }

    package func timerFired(token: UInt64, now: Instant) {
        let current = Self.tick(at: now)
        if isCrowded { prefetch(upTo: current) }
        isServing = true
        var now = now
        while lastTick < current {
            lastTick += 1
            let slot = Int(lastTick % Int64(Self.ticksPerFrame))
            guard !slots[slot].isEmpty else { continue }
            let due = Instant(nanoseconds: lastTick * Self.tickLength.nanoseconds)
            let isTooLate = current - lastTick >= Self.catchUpTicks
            for sender in slots[slot] {
                if isTooLate {
                    sender.frameSkipped(due: due)
                    pacing.skipped += 1
                    continue
                }
                let sentAt = sender.frameDue(due, now: now)
                if sentAt > now { now = sentAt }
                pacing.record(lateNanoseconds: now.nanoseconds - due.nanoseconds)
            }
        }
        isServing = false
        for (slot, sender) in leaving { drop(sender, slot: slot) }
        leaving.removeAll(keepingCapacity: true)
        arm()
    }
}

extension FrameSender {
    package var memory: [MemoryPart] { [] }
}

/// Somebody with a frame to send every 20 ms.
package protocol FrameSender: AnyObject {
    /// Sends the frame due at `due`; returns when it was handed to the network.
    func frameDue(_ due: Instant, now: Instant) -> Instant
    /// The frame due at `due` will never be sent.
    func frameSkipped(due: Instant)
    /// What a frame needs, as long as this sends.
    var memory: [MemoryPart] { get }
}

/// How punctual the frames of a span of time were: the harness's own lateness.
package struct PacingCount: Sendable {
    package var sent: Int64 = 0
    package var skipped: Int64 = 0
    package var lateness = HDRHistogram()

    package init() {}

    mutating func record(lateNanoseconds late: Int64) {
        sent += 1
        lateness.record(max(0, late))
    }

    mutating func clear() {
        sent = 0
        skipped = 0
        lateness = HDRHistogram()
    }

    package static func += (a: inout PacingCount, b: PacingCount) {
        a.sent += b.sent
        a.skipped += b.skipped
        a.lateness.add(b.lateness)
    }
}
