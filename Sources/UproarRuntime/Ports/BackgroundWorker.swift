/// Does what would hold up a loop (speech synthesis, name resolution, large files) elsewhere. Belongs to one loop.
///
/// A thread of its own in Posix; in simulation the work is done in line and takes no time.
package protocol BackgroundWorker: AnyObject {
    /// Runs `work` off the loop, one piece after another in the order given, then `then` on the loop; never before this
    /// returns. False, and neither is called, when too much is waiting already.
    @discardableResult
    func run<Outcome: Sendable>(
        _ work: @escaping @Sendable () -> Outcome, then: @escaping (Outcome) -> Void
    ) -> Bool
}
