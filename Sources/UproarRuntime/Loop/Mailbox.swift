import Synchronization

/// What other threads hand to a loop: the one place of a loop where a lock is taken.
final class Mailbox: Sendable {
    enum Letter: Sendable {
        case job(UnownedJob)
        case body(@Sendable () -> Void)
    }

    private let letters = Mutex<[Letter]>([])
    /// Set while `letters` is not empty, so that a turn without mail costs one load.
    private let isFilled = Atomic(false)

    /// Returns true when the mailbox was empty: then the loop must be woken.
    func put(_ letter: Letter) -> Bool {
        letters.withLock { letters in
            letters.append(letter)
            return !isFilled.exchange(true, ordering: .acquiringAndReleasing)
        }
    }

    /// Swaps the letters with `spare`, which must be empty. Returns false when there are none.
    func take(into spare: inout [Letter]) -> Bool {
        guard isFilled.load(ordering: .acquiring) else { return false }
        letters.withLock { letters in
            swap(&letters, &spare)
            isFilled.store(false, ordering: .releasing)
        }
        return true
    }
}
