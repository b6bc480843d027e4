import UproarCore

/// Who asked what of the emulators of one loop: numbers requests, counts them by operation, and hands each on once it is over.
package final class RequestLog {
    /// What one operation of one provider has seen so far.
    package struct Counters: Hashable, Sendable {
        /// Requests and sockets open now; exchanges are not counted here.
        package var open = 0
        package var answered: Int64 = 0
        package var refused: Int64 = 0
        package var cancelled: Int64 = 0
        package var broken: Int64 = 0
        /// Of exchanges and requests that were answered, from the beginning to the first content: how many took up to each of `bounds`, and longer.
        package var first = [Int64](repeating: 0, count: RequestLog.bounds.count + 1)
        package var firstSum = Duration.zero
        package var usage = ProviderUsage()

        package var total: Int64 { answered + refused + cancelled + broken }
    }

    /// Upper bounds of `Counters.first`.
    package static let bounds: [Duration] = [
        10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 650, 800, 1_000, 1_500, 2_000, 3_000, 5_000,
        10_000,
    ].map { .milliseconds($0) }

    private struct Key: Hashable {
        var provider: ProviderID
        var operation: String
    }

    private var counters = OrderedTable<Key, Counters>()
    private var count: UInt64 = 0
    /// By number, those that are not over.
    private var standing: [UInt64: Standing] = [:]

    /// Whoever answers holds the entry.
    private struct Standing { weak var entry: RequestEntry? }

    /// Where an operation's times are not its provider's.
    private var timings: [(provider: ProviderID, operation: String, timing: OperationTiming)] = []
    /// Takes each request as it ends.
    package var onRequest: ((ProviderRequest) -> Void)?

    package init() {}

    func open(
        _ provider: ProviderID, _ operation: String, _ kind: ProviderRequest.Kind,
        on connection: EmulatorConnection?, at now: Instant
    ) -> RequestEntry {
        count += 1
        let key = Key(provider: provider, operation: operation)
        if kind != .exchange { counters[key, default: Counters()].open += 1 }
        let entry = RequestEntry(
            ProviderRequest(provider, operation, kind, number: count, at: now),
            timing: timing(provider, operation), log: self, connection: connection)
        standing[count] = Standing(entry: entry)
        return entry
    }

    func forget(_ number: UInt64) { standing[number] = nil }

    /// What is still under way, in the order of its beginning: for the end of a run.
    package func unfinished(at now: Instant) -> [ProviderRequest] {
        standing.keys.sorted().compactMap { standing[$0]?.entry?.unfinished(at: now) }
    }

    /// How one operation answers; others as their provider does.
    package func install(
        _ timing: OperationTiming, of provider: ProviderID, _ operation: String
    ) {
        timings.removeAll { $0.provider == provider && $0.operation == operation }
        timings.append((provider, operation, timing))
    }

    private func timing(_ provider: ProviderID, _ operation: String) -> OperationTiming? {
        timings.first { $0.provider == provider && $0.operation == operation }?.timing
    }

    /// Requests or sockets of this operation that are open now.
    func openCount(_ provider: ProviderID, _ operation: String) -> Int {
        counters[Key(provider: provider, operation: operation)]?.open ?? 0
    }

    func finished(_ request: ProviderRequest) {
        let key = Key(provider: request.provider, operation: request.operation)
        var sum = counters[key] ?? Counters()
        if request.kind != .exchange { sum.open -= 1 }
        switch request.outcome {
        case .answered: sum.answered += 1
        case .refused: sum.refused += 1
        case .cancelled: sum.cancelled += 1
        case .broken: sum.broken += 1
        case .open: preconditionFailure("a request that is over and open")
        }
        if let first = request.first, request.kind != .socket, request.outcome == .answered {
            let took = first - request.at
            let place = Self.bounds.firstIndex { took <= $0 } ?? Self.bounds.count
            sum.first[place] += 1
            sum.firstSum += max(.zero, took)
        }
        sum.usage += request.usage
        counters[key] = sum
        onRequest?(request)
    }

    /// By operation, in the order in which each was first asked for.
    package var all: [(provider: ProviderID, operation: String, counters: Counters)] {
        zip(counters.keys, counters.values).map { ($0.provider, $0.operation, $1) }
    }
}
