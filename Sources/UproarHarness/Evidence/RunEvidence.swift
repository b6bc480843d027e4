import UproarCore
import UproarFaults
import UproarPosix
import UproarScenario
import UproarStatistics

/// What a run writes into its journal.
package final class RunEvidence {
    private let journal: EvidenceJournal?
    private let now: () -> Instant
    package var failure: Errno? { journal?.failure }

    /// - journal: nil when none can be written; the run's folder says why.
    init(
        _ journal: EvidenceJournal?, plan: RunPlan, results: RunResults,
        now: @escaping () -> Instant
    ) {
        self.journal = journal
        self.now = now
        journal?.write(
            "run", at: nil,
            [
                .init("schema", .string("uproar.journal/1")),
                .init("scenario", .string(plan.scenario.name)),
                .init("plan", .string(plan.hash)), .init("seed", .string(String(plan.seed.value))),
                .init("commit", .string(results.result.commit)),
                .init("command", .string(results.result.command)),
            ], flush: true)
        results.evidence = self
    }

    /// A fault has come to another state, or something was marked.
    func changed(_ event: String, _ value: JSONValue) {
        journal?.write(event, at: now(), value.members ?? [], flush: true)
    }

    /// The way back of a change has come to another state.
    func undo(_ fault: String, _ record: Int, _ state: UndoLog.State) {
        journal?.write(
            "undo", at: now(),
            [
                .init("fault", .string(fault)), .init("record", .integer(Int64(record))),
                .init("state", .string(state.rawValue)),
            ], flush: true)
    }

    /// Decisions of faults, as whoever made them tells.
    ///
    /// - shift: from the run's zero to that of the clock they were made by.
    func decided(_ values: [JSONValue], shift: Duration = .zero) {
        for value in values {
            let at = value["at_ns"]?.int.map { Instant(nanoseconds: Int64($0)) - shift }
            journal?.write("decision", at: at ?? now(), value.members ?? [])
        }
    }

    func ended(_ word: String, exitCode: Int32) {
        journal?.write(
            "end", at: now(),
            [.init("outcome", .string(word)), .init("exit_code", .integer(Int64(exitCode)))],
            flush: true)
    }
}

extension RunEvidence {
    func decided(_ decisions: [FaultDecision]) { decided(decisions.map(\.json)) }
}
