import UproarCore

/// The tasks that sleep on a loop: one slot each, reused.
final class SleepTable: TimerHandler {
    private struct Slot {
        var continuation: UnsafeContinuation<Void, any Error>?
        var timer = TimerID.none
        var nextFree = -1
    }

    private var slots: [Slot] = []
    private var firstFree = -1

    /// Takes a slot before its timer and its continuation are known.
    func reserve() -> Int {
        if firstFree >= 0 {
            let slot = firstFree
            firstFree = slots[slot].nextFree
            return slot
        }
        slots.append(Slot())
        return slots.count - 1
    }

    func fill(_ slot: Int, timer: TimerID) { slots[slot].timer = timer }

    /// Returns false when the sleep was cancelled before its continuation was made: then the caller resumes it.
    func fill(
        _ slot: Int, timer: TimerID, continuation: UnsafeContinuation<Void, any Error>
    ) -> Bool {
        guard slots[slot].timer == timer else { return false }
        slots[slot].continuation = continuation
        return true
    }

    /// Ends the sleep of `timer` early, if it is still that one: it may have woken, and the slot may have another.
    func cancel(_ slot: Int, timer: TimerID) {
        guard slots[slot].timer == timer else { return }
        release(slot)?.resume(throwing: CancellationError())
    }

    func timerFired(token: UInt64, now: Instant) {
        release(Int(token))?.resume()
    }

    private func release(_ slot: Int) -> UnsafeContinuation<Void, any Error>? {
        let continuation = slots[slot].continuation
        slots[slot].continuation = nil
        slots[slot].timer = .none
        slots[slot].nextFree = firstFree
        firstFree = slot
        return continuation
    }
}
