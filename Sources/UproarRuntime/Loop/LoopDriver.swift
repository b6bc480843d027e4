import UproarCore

/// The world behind an `EventLoop`: real time over epoll, or virtual time over an in-memory network.
///
/// All but `wake` are called on the loop's thread.
package protocol LoopDriver: AnyObject, Sendable {
    /// The clock. Never goes back.
    var now: Instant { get }
    /// Delivers what input is ready, waiting for it no longer than until `deadline` (`.distantFuture`: as long as it takes;
    /// at or before `now`: not at all). Virtual time moves here and nowhere else.
    ///
    /// Returns false when nothing can ever happen any more: no input, no deadline (simulation only).
    func wait(until deadline: Instant) -> Bool
    /// When input will come, where that is known beforehand: simulation only.
    var nextInput: Instant? { get }
    /// How long input may wait to be taken together with more; zero: it is heard as it comes. Only real time gains by it.
    var inputPatience: Duration { get set }
    /// Fetches memory into the cache, all at once, before it is used piece by piece.
    func prefetch(_ parts: UnsafeBufferPointer<MemoryPart>)
    /// Ends a wait from any thread.
    func wake()
}

extension LoopDriver {
    package var nextInput: Instant? { nil }
    package var inputPatience: Duration {
        get { .zero }
        set {}
    }
    package func prefetch(_ parts: UnsafeBufferPointer<MemoryPart>) {}
}

/// In which order ready jobs run.
package enum ReadyOrder: Sendable {
    case arrival
    /// A seeded choice among the ready jobs: explores the other order of two jobs woken together.
    case seeded(RandomStream)
}
