import Glibc

/// Keys of the terminal as they are pressed, on a driver's loop. The terminal is as before once this is closed or gone.
package final class TerminalKeys: DescriptorHandler {
    private let driver: PosixDriver
    private let descriptor: Int32
    private let mode: TerminalMode
    private let pressed: (UInt8) -> Void
    private var watch: WatchID?

    /// nil when there is nobody to press a key: no terminal, one that is another job's, or one other than `shown`, where the keys'
    /// effect is to be seen.
    package init?(
        driver: PosixDriver, descriptor: Int32 = STDIN_FILENO, shown: Int32 = STDERR_FILENO,
        pressed: @escaping (UInt8) -> Void
    ) {
        guard let mode = TerminalMode(of: descriptor), TerminalMode.isOurs(descriptor),
            Self.isSameFile(descriptor, shown)
        else { return nil }
        self.driver = driver
        self.descriptor = descriptor
        self.mode = mode
        self.pressed = pressed
        do throws(Errno) {
            watch = try driver.watch(descriptor, for: .readable, handler: Weak(self))
        } catch { return nil }
        mode.listen()
    }

    /// The driver keeps its handlers alive; the keys are their owner's to keep.
    private final class Weak: DescriptorHandler {
        weak var keys: TerminalKeys?
        init(_ keys: TerminalKeys) { self.keys = keys }
        func ready(_ events: DescriptorEvents) { keys?.ready(events) }
    }

    deinit { close() }

    package func close() {
        guard let watch else { return }
        self.watch = nil
        driver.unwatch(watch)
        mode.restore()
    }

    package func ready(_ events: DescriptorEvents) {
        // The run was sent to the background: to read would stop it.
        guard TerminalMode.isOurs(descriptor) else { return close() }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &bytes, bytes.count)
        if count <= 0 {
            // Ready, and nothing there: the other end is gone.
            if count == 0 || (errno != EINTR && errno != EAGAIN) { close() }
            return
        }
        for byte in bytes[..<count] where watch != nil { pressed(byte) }
    }

    private static func isSameFile(_ a: Int32, _ b: Int32) -> Bool {
        var first = stat()
        var second = stat()
        guard fstat(a, &first) == 0, fstat(b, &second) == 0 else { return false }
        return first.st_rdev == second.st_rdev && first.st_ino == second.st_ino
    }
}
