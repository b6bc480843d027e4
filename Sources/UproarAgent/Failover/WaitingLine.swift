import UproarCore

/// Those who wait until a provider may be asked again: who has waited longest goes first, and who comes anew goes last.
///
/// Where a quota lets only some through, chance would let a few wait until they give up.
struct WaitingLine {
    private var entries: [(since: Instant, ticket: Int)] = []
    private var tickets = 0

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// Takes in somebody who has waited since then. Call `leave` with what it returns.
    mutating func join(since: Instant) -> Int {
        tickets += 1
        let place = entries.firstIndex { $0.since > since } ?? entries.count
        entries.insert((since, tickets), at: place)
        return tickets
    }

    mutating func leave(_ ticket: Int) { entries.removeAll { $0.ticket == ticket } }

    /// How many go before this one.
    func place(of ticket: Int) -> Int { entries.firstIndex { $0.ticket == ticket } ?? 0 }
}
