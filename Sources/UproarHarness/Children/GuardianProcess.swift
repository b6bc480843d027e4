import Glibc
import UproarCore
import UproarPosix

/// `uproar guardian`: the first child of every live run.
package enum GuardianProcess {
    package static func run() -> ExitCode { exit(Guardian.run()) }
}
