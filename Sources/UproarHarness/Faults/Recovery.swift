import UproarCore
import UproarPosix

/// What `uproar recover` and `uproar halt` do.
package enum Recovery {
    package struct Found {
        package var text: String
        package var isClean: Bool
    }

    package static func recover() -> Found {
        let (settled, failures) = StateFolder.recover()
        // Doors of runs that were killed.
        _ = RunFinder.all()
        var text = settled == 0 ? "nothing to undo\n" : "undone: \(settled)\n"
        for failure in failures { text += "NOT undone: \(failure)\n" }
        return Found(text: text, isClean: failures.isEmpty)
    }

    package static func halt(_ reason: String) throws {
        do { try StateFolder.pullHalt(reason) } catch {
            throw ScenarioLoading.Problem("the halt lever \(StateFolder.halt): \(error)")
        }
    }

    package static func release() { StateFolder.releaseHalt() }

    /// Before a run: leftovers are undone, and a pulled lever refuses.
    package static func prepare() throws {
        if let reason = StateFolder.haltReason {
            throw ScenarioLoading.Problem(
                """
                halted: \(reason)
                  uproar halt --release lets runs start again
                """)
        }
        let found = recover()
        guard found.isClean else {
            throw ScenarioLoading.Problem(
                "an earlier run left something that cannot be undone:\n" + found.text)
        }
    }
}
