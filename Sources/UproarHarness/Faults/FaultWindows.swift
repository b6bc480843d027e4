import UproarCore
import UproarStatistics

/// The stretches of a run that its faults make, from what was seen of them.
struct FaultWindows {
    private let histories: [FaultHistory]

    init(_ histories: [FaultHistory]) { self.histories = histories }

    /// From first effect to clearing, and from there to the end of the recovery.
    func windows(until limit: Instant) -> [RunWindow] {
        histories.flatMap { history -> [RunWindow] in
            guard let first = history.firstEffect else { return [] }
            let cleared = min(history.cleared ?? limit, limit)
            var windows = [
                RunWindow(id: history.subject.id, kind: .fault, from: first, to: cleared)
            ]
            if history.cleared != nil {
                windows.append(
                    RunWindow(
                        id: history.subject.id, kind: .recovery, from: cleared,
                        to: min(limit, cleared + history.subject.recovery)))
            }
            return windows
        }
    }

    /// What is no steady state: from arming to the end of the recovery.
    func disturbed(until limit: Instant) -> [Range<Instant>] {
        histories.compactMap { history in
            guard let armed = history.armed else { return nil }
            let end = min(limit, history.cleared.map { $0 + history.subject.recovery } ?? limit)
            return end > armed ? armed..<end : nil
        }
    }

    /// Faults that show nothing: never armed, or armed where nobody passed.
    var unproven: [String] {
        histories.compactMap { history in
            if history.armed == nil { return "fault \(history.subject.id) was never armed" }
            guard history.firstEffect == nil else { return nil }
            return
                "fault \(history.subject.id) met nothing: no operation on \(history.subject.target) while it was armed"
        }
    }
}
