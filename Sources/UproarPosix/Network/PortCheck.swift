import Glibc
import UproarRuntime

/// Whether somebody already listens where a program of the run is about to.
package enum PortCheck {
    /// Asks this machine only, and at once; of another host nothing is known, so nothing is taken there.
    package static func isTaken(host: String, port: UInt16) -> Bool {
        let near =
            switch host {
            case "0.0.0.0": "127.0.0.1"
            case "::": "::1"
            default: host
            }
        guard near == "localhost" || near == "::1" || near.hasPrefix("127."),
            let addresses = try? SocketAddress.known(.tcp(host: near, port: port))
        else { return false }
        return addresses.contains { address in
            let socket = Glibc.socket(
                address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard socket >= 0 else { return false }
            defer { close(socket) }
            return address.withPointer { connect(socket, $0, $1) } == 0
        }
    }

    /// Why this process may not listen there; nil when it may. Nobody can connect meanwhile.
    package static func refusal(host: String, port: UInt16) -> Errno? {
        guard let address = try? SocketAddress.known(.tcp(host: host, port: port))?.first else {
            return Errno("bind", EINVAL)
        }
        let socket = Glibc.socket(
            address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return Errno("socket", errno) }
        defer { close(socket) }
        // As listeners do: what is left of closed connections is no hindrance.
        var one: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        let isFree = address.withPointer { bind(socket, $0, $1) } == 0
        let code = errno
        return isFree ? nil : Errno("bind", code)
    }
}
