import Glibc
import UproarCore
import UproarPosix

/// Writes the live view to a descriptor that may stall: what does not fit is dropped, the run never waits.
///
/// On a terminal a panel is redrawn in place each second; elsewhere a line is written every ten.
package final class LiveView {
    private let descriptor: Int32
    private let port: ReaderPort
    private var isTerminal: Bool { port.isTerminal }
    private let isQuiet: Bool
    private var drawnLines = 0
    private var lastLine = -10
    /// What a stalled terminal has not taken yet. A panel is drawn only once the last one is out.
    private var pending: [UInt8] = []

    /// The descriptor stays as it is: it is shared with others.
    package init(descriptor: Int32 = STDERR_FILENO, isQuiet: Bool) {
        self.descriptor = descriptor
        self.isQuiet = isQuiet
        port = ReaderPort(descriptor)
    }

    package func show(_ snapshot: LiveSnapshot) {
        guard !isQuiet else { return }
        if isTerminal {
            draw(LivePanel.lines(snapshot, width: columns))
        } else {
            let second = Int(snapshot.elapsed.inSeconds)
            guard second - lastLine >= 10 else { return }
            lastLine = second
            write(Array((LivePanel.line(snapshot) + "\n").utf8))
        }
    }

    /// A line that stays (a phase, a signal taken), above the panel.
    package func say(_ line: String) {
        guard !isQuiet else { return }
        clear()
        write(Array((line + "\n").utf8))
    }

    /// Takes the panel away, so that the summary stands alone.
    package func clear() {
        guard isTerminal, drawnLines > 0 else { return }
        write(Array("\u{1b}[\(drawnLines)A\u{1b}[J".utf8))
        drawnLines = 0
    }

    private func draw(_ lines: [String]) {
        flush()
        guard pending.isEmpty else { return }
        var text = drawnLines > 0 ? "\u{1b}[\(drawnLines)A" : ""
        for line in lines { text += "\u{1b}[2K" + line + "\n" }
        if drawnLines > lines.count { text += "\u{1b}[J" }
        drawnLines = lines.count
        write(Array(text.utf8))
    }

    private func write(_ bytes: [UInt8]) {
        if pending.count < 1 << 16 { pending += bytes }
        flush()
    }

    private func flush() {
        while !pending.isEmpty {
            guard let count = port.write(pending[...]) else { return pending.removeAll() }
            guard count > 0 else { return }
            pending.removeFirst(count)
        }
    }

    private var columns: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 100 }
        return min(100, Int(size.ws_col) - 1)
    }
}
