import CUproarShims
import Glibc

/// An open file descriptor that is closed exactly once, at the latest when it goes out of use.
package struct Descriptor: ~Copyable, Sendable {
    package let number: Int32

    /// Takes over `number`, which must be open and nobody else's.
    package init(owning number: Int32) {
        precondition(number >= 0, "no descriptor \(number)")
        self.number = number
    }

    /// Gives the number away; the caller closes it now.
    package consuming func release() -> Int32 {
        let number = self.number
        discard self
        return number
    }

    deinit { _ = Glibc.close(number) }
}

/// Both ends of a connected pair of Unix sockets; no child inherits them by accident.
package struct DescriptorPair: ~Copyable, Sendable {
    package let ours: Descriptor
    package let theirs: Descriptor

    package enum Kind: Sendable {
        case stream
        /// Keeps the bounds of messages.
        case packets
    }

    /// The C function is `socketpair`.
    package init(_ kind: Kind) throws(Errno) {
        let type = kind == .stream ? SOCK_STREAM : SOCK_SEQPACKET
        var numbers: [Int32] = [-1, -1]
        let flags = Int32(type.rawValue | SOCK_CLOEXEC.rawValue)
        try systemCall("socketpair") { socketpair(AF_UNIX, flags, 0, &numbers) }
        ours = Descriptor(owning: numbers[0])
        theirs = Descriptor(owning: numbers[1])
    }
}

extension DescriptorPair {
    /// Gives both numbers away; the caller closes them now.
    package consuming func release() -> (ours: Int32, theirs: Int32) {
        (ours.release(), theirs.release())
    }

    /// Keeps our end and closes theirs: once the other process has it.
    package consuming func takeOurs() -> Descriptor { ours }
}
