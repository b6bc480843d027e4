import Glibc
import UproarPosix
import UproarRuntime

/// The processes of the guardian's crash tests, one program in several roles (first argument).
@main
struct GuardianTrial {
    static func main() {
        switch CommandLine.arguments.dropFirst().first {
        case "guardian": exit(Guardian.run())
        case "run": run(children: Array(CommandLine.arguments.dropFirst(2)))
        case "idle": idle()
        case "stubborn": stubborn()
        case "listener": listener()
        case "orphan-maker": makeOrphan()
        case "child": TrialChild.main()
        default: exit(64)
        }
    }

    /// A run that starts the children named and then does nothing: somebody kills it. Tells each reply on standard output.
    static func run(children: [String]) -> Never {
        do {
            let link = try GuardianLink()
            print("guardian \(link.pid)")
            fflush(nil)
            for (id, child) in children.enumerated() {
                let command = ProcessCommand(
                    name: child, executable: ownExecutable(), arguments: [child])
                while try !link.send(.start(id: id, command)) {}
            }
            while true {
                var watched = [pollfd(fd: link.descriptor, events: Int16(POLLIN), revents: 0)]
                poll(&watched, 1, -1)
                switch link.receive() {
                case .reply(let reply):
                    print(reply)
                    fflush(nil)
                case .nothing: continue
                case .ended: exit(70)
                }
            }
        } catch {
            print(error)
            exit(71)
        }
    }

    static func idle() -> Never {
        while true { pause() }
    }

    /// Does not go when asked, and neither does its child, which stopped itself.
    static func stubborn() -> Never {
        signal(SIGTERM, SIG_IGN)
        if duplicate() == 0 { raise(SIGSTOP) }
        idle()
    }

    /// Holds a listening socket.
    static func listener() -> Never {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0, listen(socket, 16) == 0 else { exit(72) }
        idle()
    }

    /// A daemon in the classical way: forks, a session of its own, forks again; its parents exit.
    static func makeOrphan() -> Never {
        if duplicate() != 0 { exit(0) }
        setsid()
        if duplicate() != 0 { exit(0) }
        signal(SIGHUP, SIG_IGN)
        idle()
    }

    /// `fork` is not imported; this program has one thread.
    @_silgen_name("fork") static func duplicate() -> Int32
}
