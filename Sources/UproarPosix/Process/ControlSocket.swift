import Glibc
import UproarCore
import UproarRuntime

/// The child's side of the control socket: found by its number in the environment.
package enum ControlSocket {
    /// Names the descriptor. Absent: the program runs stand-alone, started by hand.
    package static let variable = "UPROAR_CONTROL_FD"

    /// Takes the socket and says hello, or answers nil when there is none. Once only: children of this process get no share.
    ///
    /// When `handler` hears `controlClosed`, the run is gone and this process has to end.
    package static func claim(role: String, network: PosixNetwork, handler: any ControlHandler)
        throws -> ControlConnection?
    {
        guard let text = getenv(variable).map({ String(cString: $0) }) else { return nil }
        unsetenv(variable)
        guard let number = Int32(text), number > 2 else {
            throw Errno("\(variable)=\(text)", EINVAL)
        }
        guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else {
            throw Errno("\(variable)=\(text)", errno)
        }
        let stream = try network.adopt(Descriptor(owning: number), handler: UnclaimedStream())
        let connection = ControlConnection(stream: stream, handler: handler)
        connection.send(
            .hello,
            [
                "role": .string(role), "pid": .integer(Int64(getpid())),
                "boot_id": JSONValue(MachineLimits.ownBootID()),
            ])
        return connection
    }
}

/// Holds a control socket that nobody has taken yet: whoever asked for it takes it in the same turn.
final class UnclaimedStream: ByteStreamHandler {
    func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) { stream.reset() }
    func closed(_ stream: any ByteStream, reason: CloseReason) {}
}
