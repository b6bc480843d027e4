import CUproarShims
import Glibc
import UproarCore
import UproarRuntime

/// The run's end of the pair, and the guardian behind it. Nothing here blocks but `finish`.
///
/// Closing the link, by `finish` or by dying, ends every process the guardian started.
package struct GuardianLink: ~Copyable {
    package let pid: Int32
    private let socket: Descriptor

    package var descriptor: Int32 { socket.number }

    /// Starts the guardian, by default this very program as `uproar guardian`, in a session of its own. Safe with other threads
    /// running.
    ///
    /// The run becomes a subreaper too: if the guardian dies, its orphans come to the run, which ends them.
    package init(program: String = ownExecutable(), arguments: [String] = ["guardian"])
        throws(Errno)
    {
        try systemCall("prctl") { uproar_become_subreaper() }
        let pair = try DescriptorPair(.packets)
        let socket = pair.theirs.number
        let environment = Guardian.deduplicated(
            Guardian.ownEnvironment() + ["\(Guardian.socketVariable)=3"])
        var pid: Int32 = 0
        let code = CStrings.with(["uproar"] + arguments) { arguments in
            CStrings.with(environment) { environment in
                uproar_spawn_guardian(program, arguments, environment, socket, &pid)
            }
        }
        guard code == 0 else { throw Errno("start guardian", code) }
        self.pid = pid
        self.socket = pair.takeOurs()
    }

    /// False when the socket is full (try again when it is writable). EPIPE: the guardian is gone.
    package func send(_ request: GuardianRequest, passing descriptors: [Int32] = []) throws(Errno)
        -> Bool
    {
        let bytes = request.encoded()
        guard bytes.count <= GuardianRequest.byteLimit else { throw Errno("request", E2BIG) }
        do throws(Errno) {
            try systemCall("sendmsg") {
                uproar_send_message(
                    socket.number, bytes, bytes.count, descriptors, Int32(descriptors.count),
                    Int32(MSG_DONTWAIT))
            }
            return true
        } catch {
            if error.code == EAGAIN { return false }
            throw error
        }
    }

    package enum Received: Hashable {
        case reply(GuardianReply)
        /// Nothing more for now.
        case nothing
        /// The guardian is gone.
        case ended
    }

    package func receive() -> Received {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var descriptorCount: Int32 = 0
        while true {
            let count = uproar_receive_message(
                socket.number, &buffer, buffer.count, nil, &descriptorCount,
                Int32(MSG_DONTWAIT))
            if count > 0 {
                guard let reply = GuardianReply(Array(buffer[..<count])) else { continue }
                return .reply(reply)
            }
            if count == 0 { return .ended }
            if errno == EINTR { continue }
            return errno == EAGAIN ? .nothing : .ended
        }
    }

    /// Says that the run is over: the guardian ends all processes, tells their ends, then goes. Requests are refused from now on.
    package func closeWriting() { _ = shutdown(socket.number, Int32(SHUT_WR)) }

    /// Closes the link and waits for the guardian's end, which it answers (`Guardian.run`); blocks for up to 3 s.
    package consuming func finish() -> ProcessExit {
        let pid = self.pid
        closeWriting()
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            if errno != EINTR { return .unknown }
        }
        return ProcessTree.exit(ofStatus: status)
    }
}

/// The path of this program. A build that replaced the file meanwhile leaves only the kernel's own link.
package func ownExecutable() -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0 else { return "/proc/self/exe" }
    let path = String(decoding: buffer[..<count], as: UTF8.self)
    return access(path, X_OK) == 0 ? path : "/proc/self/exe"
}
