import UproarCore

/// What the calls of a run came to, by count: integers only, so shards add up exactly.
package struct RunLedger: Sendable, Hashable {
    package var turns = TurnCounts()
    package var calls = CallCounts()
    package var bargeIns = [UInt64](
        repeating: 0, count: BargeInRecord.Outcome.allCases.count)
    package var tasksPassed: UInt64 = 0
    package var tasksChecked: UInt64 = 0
    package var connected: Duration = .zero
    package var bytesSent: Int64 = 0
    package var bytesReceived: Int64 = 0
    package var framesSent: UInt64 = 0
    package var framesSkipped: UInt64 = 0
    package var lateRenders: UInt64 = 0
    package var strangeFacts: UInt64 = 0
    /// Calls refused, by what refused them (HTTP status, or 1000 + errno).
    package var refusals = RefusalCounts()
    /// Requests and connections that emulated providers refused, by HTTP status or close code; providers in order of their numbers.
    package private(set) var providerRefusals: [ProviderRefusals] = []

    package struct ProviderRefusals: Sendable, Hashable {
        package var provider: ProviderID
        package var refusals: RefusalCounts
    }

    package mutating func add(refusalOf provider: ProviderID, _ status: UInt32, _ count: UInt64) {
        let place =
            providerRefusals.firstIndex { $0.provider.rawValue >= provider.rawValue }
            ?? providerRefusals.count
        if place == providerRefusals.count || providerRefusals[place].provider != provider {
            providerRefusals.insert(
                ProviderRefusals(provider: provider, refusals: .init()), at: place)
        }
        providerRefusals[place].refusals.add(status, count)
    }

    package init() {}

    package struct TurnCounts: Sendable, Hashable {
        package var answered: UInt64 = 0
        package var late: UInt64 = 0
        package var lost: UInt64 = 0
        package var open: UInt64 = 0
        package var good: UInt64 = 0
        package var duplicated: UInt64 = 0
        package var stale: UInt64 = 0
        package var truncated: UInt64 = 0
        package var interrupted: UInt64 = 0
        package var crossTalked: UInt64 = 0
        package var talkedOver: UInt64 = 0
        package var deadAir: UInt64 = 0
        package var mispredictions: UInt64 = 0

        package init() {}

        /// Replies that were owed.
        package var owed: UInt64 { answered + late + lost }
    }

    package struct CallCounts: Sendable, Hashable {
        package var due: UInt64 = 0
        package var dialed: UInt64 = 0
        package var answered: UInt64 = 0
        package var completed: UInt64 = 0
        package var abandoned: UInt64 = 0
        package var dropped: UInt64 = 0
        package var refused: UInt64 = 0
        package var notStarted: UInt64 = 0
        package var cutByRun: UInt64 = 0

        package init() {}
    }

    package subscript(outcome: BargeInRecord.Outcome) -> UInt64 {
        get { bargeIns[BargeInRecord.Outcome.allCases.firstIndex(of: outcome)!] }
        set { bargeIns[BargeInRecord.Outcome.allCases.firstIndex(of: outcome)!] = newValue }
    }

    package mutating func add(_ call: CallRecord, targets: [TurnTarget]) {
        calls.due += call.due == nil ? 0 : 1
        calls.dialed += call.dialed == nil ? 0 : 1
        calls.answered += call.answered == nil ? 0 : 1
        switch call.outcome {
        case .completed: calls.completed += 1
        case .abandoned: calls.abandoned += 1
        case .dropped: calls.dropped += 1
        case .refused: calls.refused += 1
        case .notStarted: calls.notStarted += 1
        case .cutByRun: calls.cutByRun += 1
        }
        if let refusal = call.refusal { refusals.add(refusal, 1) }
        if let passed = call.taskPassed {
            tasksChecked += 1
            tasksPassed += passed ? 1 : 0
        }
        connected += call.connected
        bytesSent += call.bytesSent
        bytesReceived += call.bytesReceived
        framesSent += UInt64(call.framesSent)
        framesSkipped += UInt64(call.framesSkipped)
        lateRenders += UInt64(call.lateRenders)
        strangeFacts += UInt64(call.strangeFacts)
        turns.crossTalked += UInt64(call.crossTalkCount)
        for bargeIn in call.bargeIns { self[bargeIn.outcome] += 1 }
        for turn in call.turns { add(turn, targets) }
    }

    private mutating func add(_ turn: TurnRecord, _ targets: [TurnTarget]) {
        switch turn.outcome {
        case .answered: turns.answered += 1
        case .late: turns.late += 1
        case .lost: turns.lost += 1
        case .open: turns.open += 1
        }
        turns.good += turn.isGood(targets) ? 1 : 0
        turns.duplicated += turn.marks.contains(.duplicated) ? 1 : 0
        turns.stale += turn.marks.contains(.stale) ? 1 : 0
        turns.truncated += turn.marks.contains(.truncated) ? 1 : 0
        turns.interrupted += turn.marks.contains(.interrupted) ? 1 : 0
        turns.talkedOver += turn.marks.contains(.talkedOver) ? 1 : 0
        turns.deadAir += turn.marks.contains(.deadAir) ? 1 : 0
        turns.mispredictions += UInt64(turn.mispredictions)
    }
}

/// Refusals by status: few distinct ones, in rising order.
package struct RefusalCounts: Sendable, Hashable {
    package private(set) var counts: [Entry] = []

    package struct Entry: Sendable, Hashable {
        package var status: UInt32
        package var count: UInt64
    }

    package init() {}

    package mutating func add(_ status: UInt32, _ count: UInt64) {
        let place = counts.firstIndex { $0.status >= status } ?? counts.count
        if place < counts.count, counts[place].status == status {
            counts[place].count += count
        } else {
            counts.insert(Entry(status: status, count: count), at: place)
        }
    }
}
