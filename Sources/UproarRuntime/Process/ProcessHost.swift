import UproarCore

/// Starts, signals and reaps processes for one loop: through the guardian in Posix, agent instances in simulation.
///
/// No process it starts outlives the run.
package protocol ProcessHost: AnyObject {
    /// Starts the command and returns at once; `started` or `exited` follows on the loop.
    func start(_ command: ProcessCommand, handler: any HostedProcessHandler) -> any HostedProcess
}

/// One process that a `ProcessHost` started. Loop-owned.
package protocol HostedProcess: AnyObject {
    var name: String { get }
    /// Nil until `started`. Stays after the exit, for reports.
    var pid: Int32? { get }
    /// Our end of the control socket, when the command asked for one. Whoever takes it sets its handler.
    var control: (any ByteStream)? { get }
    /// Sends a signal: to the process, or with `tree` also to all its descendants. After the exit it does nothing.
    func send(_ signal: ProcessSignal, tree: Bool)
}

/// Takes what happens to a hosted process. Calls come on the loop, never from within `start` or `send`.
package protocol HostedProcessHandler: AnyObject {
    func started(_ process: any HostedProcess)
    /// A signal asked for was sent; `at` is when. The effective time of `kill`, `stop` and `resume` faults.
    func signalled(_ process: any HostedProcess, signal: ProcessSignal, at: Instant)
    /// The process is gone or never came to be. Called exactly once, last.
    func exited(_ process: any HostedProcess, exit: ProcessExit)
}

extension HostedProcessHandler {
    package func started(_ process: any HostedProcess) {}
    package func signalled(_ process: any HostedProcess, signal: ProcessSignal, at: Instant) {}
}

/// What to start.
package struct ProcessCommand: Hashable, Sendable {
    /// Who it is in reports, logs and faults: `agent`, `providers`, `redis`. Unique within a run.
    package var name: String
    /// A path, or a name looked up in PATH.
    package var executable: String
    /// Without the zeroth.
    package var arguments: [String]
    /// Added to the run's own environment, later entries winning. Secrets travel here and nowhere else.
    package var environment: [EnvironmentEntry] = []
    /// Names of the run's own environment that the child does not get.
    package var withheld: [String] = []
    /// Nil: the run's own.
    package var directory: String?
    /// Where standard output and error go, appended. Nil: nowhere.
    package var outputFile: String?
    /// At most so many bytes of the output are kept, the first and the last; nil: all.
    package var outputLimit: Int?
    /// Whether the child gets a control socket, named by `UPROAR_CONTROL_FD` in its environment.
    package var wantsControl = false
    /// Soft and hard RLIMIT_NOFILE; nil: the run's own.
    package var openFiles: Int?

    package init(name: String, executable: String, arguments: [String] = []) {
        self.name = name
        self.executable = executable
        self.arguments = arguments
    }
}

package struct EnvironmentEntry: Hashable, Sendable {
    package var name: String
    package var value: String
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The signals Uproar sends, by their POSIX numbers on Linux.
package enum ProcessSignal: Int32, CaseIterable, Sendable {
    case interrupt = 2
    case abort = 6
    case kill = 9
    case terminate = 15
    case resume = 18
    case stop = 19
}

/// How a process ended.
package enum ProcessExit: Hashable, Sendable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)
    /// It never ran: the step that failed (`open output`, `exec`, …) and the `errno` behind it.
    case notStarted(step: String, errno: Int32)
    /// Its host is gone; how it ended is not known.
    case unknown

    package var isSuccess: Bool { self == .code(0) }

    package var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let number): "signal \(Self.signalName(number))"
        case .notStarted(let step, let errno): "not started: \(step) failed (errno \(errno))"
        case .unknown: "end not seen"
        }
    }

    private static func signalName(_ number: Int32) -> String {
        switch number {
        case 2: "2 (SIGINT)"
        case 6: "6 (SIGABRT)"
        case 4: "4 (SIGILL)"
        case 5: "5 (SIGTRAP)"
        case 7: "7 (SIGBUS)"
        case 9: "9 (SIGKILL)"
        case 11: "11 (SIGSEGV)"
        case 13: "13 (SIGPIPE)"
        case 15: "15 (SIGTERM)"
        default: String(number)
        }
    }
}
