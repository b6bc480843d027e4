import Glibc

/// A terminal whose keys come one by one and unseen, and its way back. Signals (Ctrl-C) stay signals.
package struct TerminalMode: Sendable {
    private let descriptor: Int32
    private let before: termios

    /// nil when the descriptor is no terminal.
    package init?(of descriptor: Int32) {
        guard isatty(descriptor) == 1 else { return nil }
        var mode = termios()
        guard tcgetattr(descriptor, &mode) == 0 else { return nil }
        self.descriptor = descriptor
        before = mode
    }

    /// Whether the terminal is this process's to read from and to set: a job in the background would be stopped for either.
    package static func isOurs(_ descriptor: Int32) -> Bool {
        let foreground = tcgetpgrp(descriptor)
        // A terminal that does not control us knows of no jobs.
        return foreground < 0 || foreground == getpgrp()
    }

    /// From now on a read answers at once with what keys there are, and none is shown.
    package func listen() {
        guard Self.isOurs(descriptor) else { return }
        var mode = before
        mode.c_lflag &= ~tcflag_t(ICANON | ECHO)
        mode.setLeast(0)
        _ = tcsetattr(descriptor, TCSANOW, &mode)
    }

    /// As it was before, when it still stands as `listen` left it: a shell that has taken it back has set it to its own liking.
    package func restore() {
        var mode = termios()
        guard Self.isOurs(descriptor), tcgetattr(descriptor, &mode) == 0,
            mode.c_lflag & tcflag_t(ICANON | ECHO) == 0, mode.least == 0,
            before.c_lflag & tcflag_t(ICANON) != 0
        else { return }
        mode = before
        _ = tcsetattr(descriptor, TCSANOW, &mode)
    }
}

extension termios {
    /// The fewest bytes that a read waits for: termios(3), VMIN.
    fileprivate var least: cc_t {
        withUnsafeBytes(of: c_cc) { $0[Int(VMIN)] }
    }

    fileprivate mutating func setLeast(_ count: cc_t) {
        withUnsafeMutableBytes(of: &c_cc) {
            $0[Int(VMIN)] = count
            $0[Int(VTIME)] = 0
        }
    }
}
