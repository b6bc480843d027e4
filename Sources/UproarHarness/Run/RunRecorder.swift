import UproarCore
import UproarLoad
import UproarPosix
import UproarRuntime
import UproarScenario
import UproarStatistics

/// Takes the facts of all loops and processes of a run and keeps what they come to. Belongs to the control loop.
///
/// Facts are told apart by call, folded when the call is over, then dropped; times count from the first due arrival.
package final class RunRecorder {
    private let plan: RunPlan
    private var collector: FactCollector
    private var check: TaskCheck?
    private var audit: TaskAudit?
    private var tagsOf: [UInt32: MetricTags] = [:]
    /// Of refused and dropped calls that are not folded yet.
    private var reasons: [UInt32: String] = [:]
    /// One for each channel and load line: calls share them.
    private var sharedTags: [UInt64: MetricTags] = [:]
    /// Calls in the order of their ends, until their check has been judged.
    private var ended: [(call: UInt32, at: Instant, outcome: CallOutcome)] = []
    package private(set) var tally: RunTally
    /// A call is over and folded: `calls.jsonl` gets its line.
    package var onCall: ((CallRecord) -> Void)?
    /// Every fact, as it comes: what faults are judged by.
    package var onFact: ((Fact) -> Void)?
    /// Calls that were answered, for the recordings' audit; empty where nothing is recorded.
    package private(set) var answered: [(call: UInt32, connected: Duration, ended: Instant)] = []
    package private(set) var turnsSoFar = 0
    private let clock = RunClock.starting()
    private var preview = IntervalRecorder()
    private var nextPreview = Instant.zero
    private var nextSum = Instant.zero
    package private(set) var lostSoFar = 0

    /// Before the fold of a call, so that the check's fact is among its facts.
    private static let judgeAfter = FactCollector.grace - .milliseconds(100)

    package init(plan: RunPlan) {
        self.plan = plan
        let settings = FoldSettings(
            prices: plan.scenario.prices, targets: TurnTarget.of(plan.scenario.gates),
            knowsResumption: plan.scenario.knowsResumption)
        collector = FactCollector(settings)
        tally = RunTally(settings)
        // The check looks at what the emulators saw, and at whose reply was heard.
        check =
            plan.scenario.isTagging
            ? TaskCheck(plan.scenario.conversation, clips: plan.clips) : nil
        if plan.scenario.hasEmulators { tally.openServices() }
        if plan.scenario.isTagging, case .embedded = plan.scenario.target {
            audit = TaskAudit(plan.scenario.conversation, clips: plan.clips)
        }
    }

    /// Whose tasks are to be read from the store at the end; empty: nobody's.
    package var taskOwners: [String] {
        guard audit?.told.isEmpty == false else { return [] }
        let callers = plan.driverSettings(ofLoop: 0, of: 1).callers
        var owners = OrderedTable<String, Bool>()
        for seat in plan.seats {
            let own = callers.isEmpty ? [] : callers[Int(seat.id) % callers.count]
            owners[own.last { $0.name == "user_id" }?.value ?? "caller-\(seat.id)"] = true
        }
        return owners.keys
    }

    package func found(task id: String) { audit?.found(task: id) }

    /// All tasks of the store have been found.
    package func auditTasks() {
        guard let audit else { return }
        for (turn, at) in audit.told {
            tally.addEvents(
                "tasks_lost", tagsOf[turn.call] ?? [:], at: at,
                events: audit.isLost(turn) ? 1 : 0, call: turn.call)
        }
        for (turn, at, isDuplicated) in audit.made {
            tally.addEvents(
                "tasks_duplicated", tagsOf[turn.call] ?? [:], at: at,
                events: isDuplicated ? 1 : 0, call: turn.call)
        }
    }

    /// Comes with the call's last facts, before it is folded.
    package func take(_ loss: CallLoss) {
        reasons[loss.call] = RemarkText.reason(loss.end, isAnswered: loss.isAnswered)
    }

    package func take(_ fact: Fact) {
        onFact?(fact)
        switch FactKind(rawValue: fact.kind) {
        case .faultArmed, .faultEffective, .faultCleared, .streamUsed: return
        case .callDue:
            let tags = tags(channel: Int(fact.value), line: fact.detail)
            if audit != nil { tagsOf[fact.call] = tags }
            collector.open(
                CallDescription(
                    id: fact.call, tags: tags,
                    isTagged: plan.scenario.isTagging, patience: plan.scenario.patience))
        case .callEnded:
            ended.append(
                (fact.call, fact.instant, CallOutcome(rawValue: fact.detail) ?? .dropped))
        case .utteranceEnded: turnsSoFar += 1
        case .turnTimedOut: lostSoFar += 1
        case .providerRefused: tally.addRefusal(fact)
        case .messageAccepted, .eventDelivered: return tally.addService(fact)
        default: break
        }
        check?.take(fact)
        audit?.take(fact)
        collector.state(fact)
    }

    /// Folds what is over. `now` counts from the first due arrival.
    package func fold(now: Instant) {
        judge(until: now - Self.judgeAfter)
        for record in collector.fold(now: now) { add(record) }
        tally.addUnattributed(collector.drainUnattributed(), at: now)
    }

    /// Folds everything: the end of the run.
    package func foldAll(now: Instant) {
        judge(until: .distantFuture)
        for record in collector.foldAll() { add(record) }
        tally.addUnattributed(collector.drainUnattributed(), at: now)
    }

    /// Everything so far with the calls under way as far as they have come: for live gates and the live view.
    ///
    /// Folding calls under way costs more the longer they are: it is done no oftener than takes a fiftieth of the time.
    package func recorders() -> [IntervalRecorder] {
        let now = clock.now
        if now >= nextPreview {
            preview = tally.preview(collector.preview())
            let cost = clock.now - now
            nextPreview = now + max(.milliseconds(900), cost * 50)
        }
        // A preview of narrower intervals than the tally has by now cannot be read beside it.
        return preview.width == tally.recorder.width ? [tally.recorder, preview] : [tally.recorder]
    }

    /// The tally with the calls under way as far as they have come: what a checkpoint holds, so that a run that is killed has left more
    /// than its finished calls. Costs as much as `recorders`, and is as sparing: now and then it is the tally alone.
    package func tallySoFar() -> RunTally {
        let now = clock.now
        guard now >= nextSum else { return tally }
        var sum = tally
        for record in collector.preview() { sum.add(record) }
        nextSum = now + (clock.now - now) * 50
        return sum
    }

    package func addSendLateness(_ histogram: HDRHistogram, at: Instant) {
        tally.addSendLateness(histogram, at: at)
    }

    /// What the store was found to hold.
    package func add(_ findings: RecordingAudit.Findings, now: Instant) {
        for verdict in findings.verdicts {
            var marks: Set<RecordingMark> = []
            switch verdict.state {
            case .kept: marks.insert(.kept)
            case .lost: marks.insert(.lost)
            case .damaged: marks.insert(.damaged)
            }
            if verdict.isLate { marks.insert(.late) }
            if verdict.isStopped { marks.insert(.stopped) }
            tally.addRecording(marks, call: verdict.due.call, at: verdict.due.endedAt)
        }
        tally.addOrphanedRecordings(findings.orphans.count, at: now)
    }

    package func setValue(_ metric: String, _ value: Double) { tally.setValue(metric, to: value) }

    /// Facts that could not be kept: a run that lost some is not valid.
    package var droppedFacts: UInt64 { collector.droppedCount }
    package var lateFacts: UInt64 { collector.lateCount }

    private func judge(until limit: Instant) {
        var judged = 0
        for entry in ended {
            guard entry.at <= limit else { break }
            judged += 1
            guard let passed = check?.judge(entry.call, outcome: entry.outcome) else { continue }
            collector.state(
                Fact(
                    .taskChecked, at: entry.at, call: entry.call, detail: passed ? 1 : 0,
                    origin: .harness))
        }
        ended.removeFirst(judged)
    }

    private func add(_ record: CallRecord) {
        var record = record
        record.reason = reasons.removeValue(forKey: record.id)
        tally.add(record)
        // Browsers and screens are recorded by consent, which our callers do not give.
        if plan.scenario.isRecording, record.answered != nil, let ended = record.ended,
            plan.scenario.channel(of: record.id, seed: plan.seed) == .phone
        {
            answered.append((record.id, record.connected, ended))
        }
        onCall?(record)
    }

    private func tags(channel: Int, line: UInt32) -> MetricTags {
        let key = UInt64(channel) << 32 | UInt64(line)
        if let known = sharedTags[key] { return known }
        let made = madeTags(channel: channel, line: line)
        sharedTags[key] = made
        return made
    }

    private func madeTags(channel: Int, line: UInt32) -> MetricTags {
        let channels = plan.scenario.channels
        let share = channels[channels.indices.contains(channel) ? channel : 0]
        return [
            "channel": share.channel.rawValue, "transport": share.transport,
            "load": plan.lineName(line),
        ]
    }
}
