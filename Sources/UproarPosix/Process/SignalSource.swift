import CUproarShims
import Glibc

/// Delivers signals on a loop: blocked for every thread, read from a descriptor. The C function is `signalfd`.
///
/// To be made before other threads are started, so that they inherit the mask.
package final class SignalSource: DescriptorHandler {
    private let driver: PosixDriver
    private let descriptor: Descriptor
    private let received: (Int32) -> Void
    private var watch: WatchID?

    /// What asks a run to end: an interrupt, a termination, and a terminal that went away, unless `nohup` or the like has us live on.
    package static var endings: [Int32] {
        var action = sigaction()
        _ = sigaction(SIGHUP, nil, &action)
        let ignored = unsafeBitCast(SIG_IGN, to: Int.self)
        let isIgnored =
            unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == ignored
        return [SIGINT, SIGTERM] + (isIgnored ? [] : [SIGHUP])
    }

    /// The mask of these signals stays for the life of the process: a signal after the source is gone waits for ever, so a
    /// source lives as long as its loop.
    package init(driver: PosixDriver, signals: [Int32], received: @escaping (Int32) -> Void)
        throws(Errno)
    {
        self.driver = driver
        self.received = received
        descriptor = Descriptor(
            owning: try systemCall("signalfd") {
                uproar_signal_descriptor(signals, Int32(signals.count), 1)
            })
        watch = try driver.watch(descriptor.number, for: .readable, handler: Weak(self))
    }

    /// The driver keeps its handlers alive; the source is its owner's to keep.
    private final class Weak: DescriptorHandler {
        weak var source: SignalSource?
        init(_ source: SignalSource) { self.source = source }
        func ready(_ events: DescriptorEvents) { source?.ready(events) }
    }

    deinit { if let watch { driver.unwatch(watch) } }

    package func ready(_ events: DescriptorEvents) {
        // The first word of a `signalfd_siginfo` (128 bytes, signalfd(2)) is the signal's number.
        var info = [UInt32](repeating: 0, count: 32)
        while read(descriptor.number, &info, 128) == 128 { received(Int32(info[0])) }
    }
}
