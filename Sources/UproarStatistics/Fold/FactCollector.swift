import UproarCore

/// Holds the facts of calls under way and folds each call a grace after its end, because providers' facts come over a
/// socket up to about a second late. Facts are dropped once folded: memory follows the calls under way, not the run's length.
package struct FactCollector {
    /// How long after a call's end its last facts are waited for.
    package static let grace = Duration.milliseconds(1500)
    /// More facts than this of one call are dropped and counted: an hour of talk states a tenth.
    package static let factLimit = 65_536

    package private(set) var settings: FoldSettings
    private var unattributed = OrderedTable<ProviderID, ProviderUsage>()
    /// Facts of calls already folded, or of calls that are not in the plan.
    package private(set) var lateCount: UInt64 = 0
    package private(set) var droppedCount: UInt64 = 0

    private struct Pending {
        var description: CallDescription
        var facts: [Fact] = []
        var isEnded = false
    }

    private var pending: [UInt32: Pending] = [:]
    /// Calls in the order in which their ends were stated.
    private var ended: [(call: UInt32, at: Instant)] = []
    private var endedFirst = 0

    package init(_ settings: FoldSettings) { self.settings = settings }

    package var openCount: Int { pending.count }

    /// A call is due: its facts will be kept from now on. Opening it twice is a mistake of the driver.
    package mutating func open(_ description: CallDescription) {
        precondition(pending[description.id] == nil, "call \(description.id) is open already")
        pending[description.id] = Pending(description: description)
    }

    /// Takes one fact of a call, or of none. Those of kinds that belong to no call are the journal's business: not kept.
    package mutating func state(_ fact: Fact) {
        guard pending[fact.call] != nil else {
            if let (provider, usage) = ProviderUsage.stated(by: fact) {
                unattributed[provider, default: .init()] += usage
            }
            if fact.call != Fact.noCall { lateCount += 1 }
            return
        }
        if fact.kind == FactKind.callEnded.rawValue, pending[fact.call]?.isEnded == false {
            pending[fact.call]?.isEnded = true
            ended.append((fact.call, fact.instant))
        }
        let count = pending[fact.call]?.facts.count ?? 0
        guard count < Self.factLimit else {
            droppedCount += 1
            return
        }
        pending[fact.call]?.facts.append(fact)
    }

    /// Usage that no call could be charged with (a voice request that carried no reference), since the last time of asking.
    package mutating func drainUnattributed() -> OrderedTable<ProviderID, ProviderUsage> {
        defer { unattributed = .init() }
        return unattributed
    }

    /// The records of calls that ended at least the grace before `now`, in the order of their ends.
    package mutating func fold(now: Instant) -> [CallRecord] {
        var records: [CallRecord] = []
        while endedFirst < ended.count, ended[endedFirst].at + Self.grace <= now {
            if let call = pending.removeValue(forKey: ended[endedFirst].call) {
                records.append(CallFold.fold(call.facts, of: call.description, settings))
            }
            endedFirst += 1
        }
        if endedFirst > 1024 {
            ended.removeFirst(endedFirst)
            endedFirst = 0
        }
        return records
    }

    /// The records of every call left, by call id: what the end of the run does.
    package mutating func foldAll() -> [CallRecord] {
        var records = fold(now: .distantFuture)
        for id in pending.keys.sorted() {
            guard let call = pending[id] else { continue }
            records.append(CallFold.fold(call.facts, of: call.description, settings))
        }
        pending.removeAll()
        return records
    }

    /// What the calls under way have come to so far, by call id, for the live view and live gates: nothing is dropped.
    package func preview() -> [CallRecord] {
        pending.keys.sorted().compactMap { id in
            pending[id].map { CallFold.fold($0.facts, of: $0.description, settings) }
        }
    }
}
