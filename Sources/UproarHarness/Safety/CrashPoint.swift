import Glibc

/// Where a run kills itself, so that `scripts/verify-crash-matrix` can look at what is left: after the first record of a state has been
/// written, and before anything else. `UPROAR_CRASH_AT=applied`, `=fault-armed`, `=effective:guardian` (its guardian first).
struct CrashPoint {
    private let state: String
    private let takesGuardian: Bool
    private let guardian: () -> Int32?

    /// nil unless the environment asks for it.
    init?(guardian: @escaping () -> Int32?) {
        guard let text = getenv("UPROAR_CRASH_AT").map({ String(cString: $0) }) else { return nil }
        let parts = text.split(separator: ":")
        guard let state = parts.first else { return nil }
        self.state = String(state)
        takesGuardian = parts.count > 1 && parts[1] == "guardian"
        self.guardian = guardian
    }

    func pass(_ state: String) {
        guard state == self.state else { return }
        if takesGuardian, let pid = guardian() { kill(pid, SIGKILL) }
        kill(getpid(), SIGKILL)
    }
}
