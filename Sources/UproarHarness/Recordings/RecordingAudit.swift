import UproarAgent
import UproarCore
import UproarRuntime

/// Looks into the store at the end of a run: is each call's recording there once, whole, readable and as long as the call?
///
/// Nothing here believes the agent but what its recordings hold; the time connected is the callers'.
package final class RecordingAudit {
    /// A call that owes a recording, as its caller saw it.
    package struct Due: Hashable, Sendable {
        package var call: UInt32
        /// The name under which the agent knows it.
        package var name: String
        package var connected: Duration
        /// Seconds since 1970.
        package var ended: Int64
        /// Since the run's first due arrival.
        package var endedAt: Instant
    }

    package struct Verdict: Hashable, Sendable {
        package enum State: Hashable, Sendable {
            case kept, lost
            case damaged(String)
        }
        package var due: Due
        package var state: State
        package var isLate = false
        /// It ends long before its call did.
        package var isStopped = false
    }

    package struct Findings: Hashable, Sendable {
        package var verdicts: [Verdict] = []
        /// Objects and unfinished uploads of no call.
        package var orphans: [String] = []
        /// The store could not be looked into.
        package var failure: String?
    }

    /// Shorter calls may end while the announcement is still being made.
    package static let shortestCall = Duration.seconds(20)
    /// The announcement is not recorded, nor what a killed worker had not written yet.
    private static let tolerance = Duration.seconds(14)
    /// A recording that comes later than this after its call's end is late.
    private static let lateAfter: Int64 = 30
    private static let pollEvery = Duration.milliseconds(500)
    private static let inFlightLimit = 4

    private let store: any ObjectStore
    private let keys: RecordingKeys
    private let due: [Due]
    private let others: Set<String>
    private let loop: EventLoop
    private let patience: Duration
    private var began = Instant.zero
    private var then: ((Findings) -> Void)?
    private var findings = Findings()
    private var waiting: [(object: StoredObject, due: Due?)] = []
    private var inFlight = 0
    private var found: [UInt32: [Verdict]] = [:]

    /// - others: names of calls that owe none and may have one.
    /// - patience: so long what is missing is waited for.
    package init(
        store: any ObjectStore, keys: RecordingKeys, due: [Due], others: Set<String>,
        patience: Duration, loop: EventLoop
    ) {
        self.store = store
        self.keys = keys
        self.due = due
        self.others = others
        self.patience = patience
        self.loop = loop
    }

    package func run(then: @escaping (Findings) -> Void) {
        self.then = then
        began = loop.now
        list(after: nil, so: [])
    }

    private func end() {
        let then = then
        self.then = nil
        then?(findings)
    }

    private func list(after: String?, so far: [StoredObject]) {
        store.list(prefix: RecordingName.folder, after: after) { [self] result in
            switch result {
            case .failure(let failure): retry("\(failure)")
            case .success(let page):
                guard let last = page.last else { return listed(far) }
                list(after: last.key, so: far + page)
            }
        }
    }

    private func retry(_ reason: String) {
        guard loop.now - began < patience else {
            findings.failure = reason
            return end()
        }
        loop.schedule(at: loop.now + Self.pollEvery) { [self] in list(after: nil, so: []) }
    }

    private func listed(_ objects: [StoredObject]) {
        let names = Set(objects.compactMap { RecordingName(key: $0.key)?.call })
        if loop.now - began < patience, due.contains(where: { !names.contains($0.name) }) {
            return retry("")
        }
        let table = Dictionary(due.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for object in objects {
            let name = RecordingName(key: object.key)?.call ?? ""
            if let due = table[name] {
                waiting.append((object, due))
            } else if others.contains(name) {
                waiting.append((object, nil))
            } else {
                findings.orphans.append(object.key)
            }
        }
        store.openUploads { [self] result in
            if case .success(let keys) = result { findings.orphans += keys }
            fetchNext()
        }
    }

    private func fetchNext() {
        guard !waiting.isEmpty || inFlight > 0 else { return settle() }
        while inFlight < Self.inFlightLimit, !waiting.isEmpty {
            let (object, due) = waiting.removeLast()
            inFlight += 1
            store.get(object.key) { [self] result in
                inFlight -= 1
                if let due { found[due.call, default: []].append(judge(object, due, result)) }
                fetchNext()
            }
        }
    }

    private func judge(
        _ object: StoredObject, _ due: Due, _ result: Result<[UInt8], ProviderFailure>
    ) -> Verdict {
        var verdict = Verdict(due: due, state: .kept)
        verdict.isLate =
            (UnixSeconds.read(object.storedAt) ?? due.ended) > due.ended + Self.lateAfter
        switch result {
        case .failure(let failure): verdict.state = .damaged("it cannot be fetched: \(failure)")
        case .success(let bytes):
            do {
                let content = try RecordingContent(bytes, keys: keys)
                let length = content.length
                verdict.isStopped = length + Self.tolerance < due.connected
                if content.description.call != due.name {
                    verdict.state = .damaged("it is of call \(content.description.call)")
                } else if content.channels != 2 {
                    verdict.state = .damaged("it has \(content.channels) channels")
                } else if length > due.connected + .seconds(1) {
                    verdict.state = .damaged(
                        "it is \(length.inSeconds) s long, the call \(due.connected.inSeconds) s")
                } else if verdict.isStopped, content.end != "stopped" {
                    verdict.state = .damaged(
                        "it is only \(length.inSeconds) s long, the call \(due.connected.inSeconds) s"
                    )
                }
            } catch { verdict.state = .damaged("\(error)") }
        }
        return verdict
    }

    private func settle() {
        for due in due {
            let all = found[due.call] ?? []
            guard var verdict = all.first else {
                findings.verdicts.append(Verdict(due: due, state: .lost))
                continue
            }
            if all.count > 1 { verdict.state = .damaged("there are \(all.count) of it") }
            findings.verdicts.append(verdict)
        }
        end()
    }
}

/// Reads the store's times.
enum UnixSeconds {
    /// `2026-01-01T00:00:00.000Z` in seconds since 1970 (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
    /// `days_from_civil`); nil when it is none.
    static func read(_ text: String) -> Int64? {
        let parts = text.prefix(19).split { "-T:".contains($0) }.compactMap { Int64($0) }
        guard parts.count == 6 else { return nil }
        let year = parts[1] <= 2 ? parts[0] - 1 : parts[0]
        let era = (year >= 0 ? year : year - 399) / 400
        let ofEra = year - era * 400
        let ofYear = (153 * (parts[1] > 2 ? parts[1] - 3 : parts[1] + 9) + 2) / 5 + parts[2] - 1
        let days = era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
        return days * 86_400 + parts[3] * 3600 + parts[4] * 60 + parts[5]
    }
}
