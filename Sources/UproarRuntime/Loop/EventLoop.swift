import UproarCore

/// One thread's world: a clock, timers, ready jobs, a mailbox. The same in real and in virtual time; the `LoopDriver` differs.
///
/// It is the executor of the structured tasks and actors that live on it. Everything but `submit` and `stop` belongs to the
/// loop's own thread.
package final class EventLoop: @unchecked Sendable {
    package let driver: any LoopDriver

    package init(driver: any LoopDriver, order: ReadyOrder = .arrival) {
        self.driver = driver
    }

    package var now: Instant { driver.now }
}
