import Synchronization

/// What other threads hand to a loop: the one place of a loop where a lock is taken.
final class Mailbox: Sendable {
    enum Letter: Sendable {
        case job(UnownedJob)
        case body(@Sendable () -> Void)
    }

    private let letters = Mutex<[Letter]>([])
    /// Set while `letters` is not empty, so that a turn without mail costs one load.
    private let filled = Atomic(false)

    var isFilled: Bool { filled.load(ordering: .acquiring) }

    /// Returns true when the mailbox was empty: then the loop must be woken.
    func put(_ letter: Letter) -> Bool {
        letters.withLock { letters in
            letters.append(letter)
            return !filled.exchange(true, ordering: .acquiringAndReleasing)
        }
    }

    /// Swaps the letters with `spare`, which must be empty. Returns false when there are none.
    func take(into spare: inout [Letter]) -> Bool {
        guard isFilled else { return false }
        letters.withLock { letters in
            swap(&letters, &spare)
            filled.store(false, ordering: .releasing)
        }
        return true
    }
}
