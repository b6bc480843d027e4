import Glibc

/// Writing to whoever reads a terminal or a pipe, perhaps slowly, perhaps not at all: no write ever waits.
///
/// `poll` does not suffice. A pseudo-terminal whose other end is not read still polls writable when it has room for a few bytes, and
/// a longer write then waits (Linux: `tty_poll` asks for any room at all). Nor may the descriptor be made non-blocking: that flag belongs
/// to the open file, which a shell and other programs share. So it is opened once more, by way of `/proc`.
package struct ReaderPort: ~Copyable {
    /// Where it writes: an opening of its own, which `own` closes, or the shared one.
    private let number: Int32
    private let own: Descriptor?
    private let neverWaits: Bool
    package let isTerminal: Bool

    /// - descriptor: stays as it is, and open as long as this lives.
    package init(_ descriptor: Int32) {
        isTerminal = isatty(descriptor) == 1
        var status = stat()
        let isPipe = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
        let opened =
            isTerminal || isPipe
            ? open("/proc/self/fd/\(descriptor)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            : -1
        neverWaits = opened >= 0
        number = neverWaits ? opened : descriptor
        own = neverWaits ? Descriptor(owning: opened) : nil
    }

    /// How many of the bytes were taken, now; 0 when there is no room, nil when nobody will read any more.
    package func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        var part = bytes
        if !neverWaits {
            // A file, a socket, or a terminal that cannot be opened again: what is small fits where there is room.
            var watched = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
            guard poll(&watched, 1, 0) == 1, watched.revents & Int16(POLLOUT) != 0 else { return 0 }
            part = bytes.prefix(512)
        }
        let count = part.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
        if count >= 0 { return count }
        return errno == EINTR || errno == EAGAIN ? 0 : nil
    }
}
