import UproarCore
import UproarRuntime

/// A place for one caller after another: dialled at `due`, again after each call until `until`.
package struct Seat: Hashable, Sendable {
    /// Unique within the run; also the id of its first call.
    package var id: UInt32
    package var due: Instant
    /// No call is begun at or after this, and one in progress ends after its turn. Nil: one call, whatever its length.
    package var until: Instant?
    /// Index of its load line.
    package var line: UInt32

    package init(id: UInt32, due: Instant, until: Instant?, line: UInt32) {
        self.id = id
        self.due = due
        self.until = until
        self.line = line
    }
}

/// A call that was refused or dropped, and how that came.
package struct CallLoss: Hashable, Sendable {
    package var call: UInt32
    package var end: CallMediaEnd
    package var isAnswered: Bool
}

/// Starts the calls of one loop when they are due, whatever the target does, and ends them when their time is over.
///
/// A call that cannot be dialled in time is not started late: it is stated as due and not started.
package final class CallDriver: TimerHandler {
    package struct Settings: Sendable {
        package var patience: Duration
        package var setupLimit: Duration
        package var redial: Duration
        /// A caller whose stream dies dials again as the same person, after these pauses, one after the other. Empty: hangs up.
        package var onDrop: [Duration] = []
        /// From the answer until the caller hangs up after its turn; nil: at the end of its script.
        package var callLength: Distribution?
        /// Dials per second at the most; nil: as many as are due.
        package var dialLimit: Int?
        package var greetingWithin: Duration?
        package var isTagged: Bool
        /// The calls of this loop are every `stride`-th after the seats' own.
        package var firstExtraCall: UInt32
        package var stride: UInt32
        /// Fixed custom parameters of every call, before the call's own.
        package var parameters: [HTTPField]
        /// Who the callers are: custom parameters of each, in turn. Empty: each has an id of the run's own.
        package var callers: [[HTTPField]] = []

        package init(
            patience: Duration, setupLimit: Duration, redial: Duration, dialLimit: Int? = nil,
            greetingWithin: Duration?, isTagged: Bool, firstExtraCall: UInt32, stride: UInt32 = 1,
            parameters: [HTTPField] = []
        ) {
            self.patience = patience
            self.setupLimit = setupLimit
            self.redial = redial
            self.dialLimit = dialLimit
            self.greetingWithin = greetingWithin
            self.isTagged = isTagged
            self.firstExtraCall = firstExtraCall
            self.stride = stride
            self.parameters = parameters
        }
    }

    /// What the driver has done so far. Plain counts: a second's figures are differences.
    package struct Counts: Sendable {
        package var due = 0
        package var dialled = 0
        /// Of those that have ended.
        package var answered = 0
        package var ended = 0
        package var notStarted = 0
        package var refused = 0
        package var inCall = 0
        /// Why the last refused call was refused.
        package var lastRefusal: CallMediaEnd?
        package var remarks = CallRemarks()
        /// Some call has been answered, whether it has ended or goes on.
        package var hasAnswered = false
        package init() {}

        package static func += (a: inout Counts, b: Counts) {
            a.due += b.due
            a.dialled += b.dialled
            a.answered += b.answered
            a.ended += b.ended
            a.notStarted += b.notStarted
            a.refused += b.refused
            a.inCall += b.inCall
            a.lastRefusal = b.lastRefusal ?? a.lastRefusal
            a.remarks += b.remarks
            a.hasAnswered = a.hasAnswered || b.hasAnswered
        }
    }

    private enum Token {
        static let due: UInt64 = 1
        static let end: UInt64 = 2
        static let dial: UInt64 = 3
    }

    private struct Arrival: Comparable {
        /// By the plan; once it has come about, by the clock.
        var due: Instant
        var sequence: UInt64
        var seat: Int
        var call: UInt32
        /// The call whose session this one goes on with, and how often it has been dialled for since it dropped.
        var session: UInt32
        var redials = 0
        /// Answers that were heard in the session before.
        var answers = 0
        static func < (a: Arrival, b: Arrival) -> Bool {
            a.due != b.due ? a.due < b.due : a.sequence < b.sequence
        }
    }

    private let loop: EventLoop
    private let engine: CallerEngine
    private let lines: [CallLine]
    private let lineOf: (UInt32) -> Int
    private let facts: any FactSink
    private let seed: Seed
    private let settings: Settings
    private let seats: [Seat]

    private var arrivals = Heap<Arrival>()
    private var waiting: [Arrival] = []
    private var endings: [(until: Instant, seat: Int)] = []
    private var nextEnding = 0
    private var sequence: UInt64 = 0
    private var nextExtraCall: UInt32
    private var inProgress: OrderedTable<UInt32, (caller: Caller, arrival: Arrival)> = .init()
    /// The call in progress of each seat: all seats of a load line may end at one instant.
    private var callOfSeat: [UInt32?]
    private var hasStopped = false
    private var dueTimer = TimerID.none
    private var dialTimer = TimerID.none
    private var nextDial = Instant.zero
    private var done: (() -> Void)?
    private var tapes: (any TapeSink)?
    private var losses: [CallLoss] = []
    private var pace = ArrivalPace()
    private var tally = Counts()
    package var counts: Counts {
        var counts = tally
        counts.hasAnswered =
            counts.answered > 0 || inProgress.values.contains { $0.caller.isAnswered }
        return counts
    }
    /// Every call due has ended and none will follow.
    package private(set) var isDone = false

    /// - lineOf: the place in `lines` of a call by its number.
    package init(
        loop: EventLoop, engine: CallerEngine, lines: [CallLine],
        lineOf: @escaping (UInt32) -> Int = { _ in 0 }, seats: [Seat], facts: any FactSink,
        seed: Seed, settings: Settings
    ) {
        precondition(!lines.isEmpty, "callers without a line")
        self.loop = loop
        self.engine = engine
        self.lines = lines
        self.lineOf = lineOf
        self.seats = seats
        self.facts = facts
        self.seed = seed
        self.settings = settings
        nextExtraCall = settings.firstExtraCall
        callOfSeat = Array(repeating: nil, count: seats.count)
        raiseCallLimit()
    }

    /// The loops of a run hand out numbers at about the same pace: another one may be this far ahead.
    private static let loopSlack: UInt32 = 64

    private func raiseCallLimit() {
        let slack = settings.stride > 1 ? Self.loopSlack * settings.stride : 0
        let limit = min(TurnReference.callLimit, nextExtraCall + slack)
        for line in lines { line.library.callLimit = limit }
    }

    // MARK: Verbs

    /// The calls that were refused or dropped since the last time.
    package func drainLosses() -> [CallLoss] {
        defer { losses.removeAll() }
        return losses
    }

    /// Begins; `done` is called when every call due has ended and none will follow.
    ///
    /// - tapes: takes the audio of every call.
    package func start(tapes: (any TapeSink)? = nil, done: @escaping () -> Void) {
        self.done = done
        self.tapes = tapes
        for index in seats.indices {
            schedule(
                Arrival(
                    due: seats[index].due, sequence: 0, seat: index, call: seats[index].id,
                    session: seats[index].id))
        }
        endings = seats.indices.compactMap { index in
            seats[index].until.map { (until: $0, seat: index) }
        }.sorted { $0.until != $1.until ? $0.until < $1.until : $0.seat < $1.seat }
        armDue()
        armEnding()
        finishIfDone()
    }

    /// No further call is begun; those in progress go on to the end of their turn.
    package func drain() {
        hasStopped = true
        arrivals = Heap()
        for arrival in waiting { giveUp(arrival) }
        waiting.removeAll()
        for entry in inProgress.values { entry.caller.endAfterTurn() }
        finishIfDone()
    }

    /// Arrivals that are still to come do so at this pace. Calls in progress, and when callers' seats end, stay as they are.
    package func bend(_ pace: ArrivalPace) {
        self.pace = pace
        armDue()
    }

    /// Ends every call at once.
    package func hangUpAll() {
        drain()
        for entry in inProgress.values { entry.caller.hangUpNow() }
    }

    // MARK: Arrivals

    private func schedule(_ arrival: Arrival) {
        sequence += 1
        var arrival = arrival
        arrival.sequence = sequence
        arrivals.insert(arrival)
    }

    private func armDue() {
        loop.cancel(dueTimer)
        dueTimer = .none
        guard let first = arrivals.first, let due = pace.clockTime(first.due) else { return }
        dueTimer = loop.schedule(self, token: Token.due, at: due)
    }

    private func armEnding() {
        guard nextEnding < endings.count else { return }
        loop.schedule(self, token: Token.end, at: endings[nextEnding].until)
    }

    package func timerFired(token: UInt64, now: Instant) {
        switch token {
        case Token.due:
            dueTimer = .none
            while var first = arrivals.first, let due = pace.clockTime(first.due), due <= now {
                _ = arrivals.popFirst()
                first.due = due
                // Held back until its time was over.
                if !pace.isPlanned, let until = seats[first.seat].until, until <= due { continue }
                tally.due += 1
                state(
                    .callDue, first.call, at: first.due, detail: seats[first.seat].line,
                    value: Int64(lineOf(first.session)))
                if first.session != first.call {
                    state(
                        .callResumes, first.call, at: first.due, detail: first.session,
                        value: Int64(first.answers))
                }
                waiting.append(first)
            }
            dialWaiting(now)
            armDue()
        case Token.dial:
            dialTimer = .none
            dialWaiting(now)
        default:
            while nextEnding < endings.count, endings[nextEnding].until <= now {
                endSeat(endings[nextEnding].seat)
                nextEnding += 1
            }
            armEnding()
        }
        finishIfDone()
    }

    private func endSeat(_ seat: Int) {
        guard let call = callOfSeat[seat] else { return }
        inProgress[call]?.caller.endAfterTurn()
    }

    private func dialWaiting(_ now: Instant) {
        guard !waiting.isEmpty else { return }
        var dialled = 0
        for arrival in waiting {
            if now - arrival.due >= settings.setupLimit {
                giveUp(arrival)
            } else {
                if let limit = settings.dialLimit {
                    guard now >= nextDial else { break }
                    nextDial = max(nextDial, now) + .seconds(1) / limit
                }
                dial(arrival)
            }
            dialled += 1
        }
        waiting.removeFirst(dialled)
        if !waiting.isEmpty, dialTimer == .none {
            dialTimer = loop.schedule(self, token: Token.dial, at: nextDial)
        }
    }

    private func giveUp(_ arrival: Arrival) {
        tally.notStarted += 1
        state(
            .callEnded, arrival.call, at: loop.now, detail: CallOutcome.notStarted.rawValue)
    }

    private func dial(_ arrival: Arrival) {
        tally.dialled += 1
        tally.inCall += 1
        let call = arrival.call
        // Who takes up a call that dropped does so on the same channel.
        let line = lines[lineOf(arrival.session)]
        var random = seed.stream("caller-phase", UInt64(call))
        let plan = Caller.Plan(
            call: call, slot: random.below(CallerEngine.ticksPerFrame), due: arrival.due,
            loadLine: seats[arrival.seat].line, length: length(of: call),
            setup: CallSetup(
                call: call, limit: settings.setupLimit,
                parameters: settings.parameters + line.parameters
                    + identity(session: arrival.session, seat: arrival.seat)))
        let patience = settings.patience
        let conversation = line.conversation
        let caller = Caller(
            plan: plan,
            dialogue: Dialogue(
                steps: { index in
                    conversation.step(call: call, index: index).map {
                        Dialogue.Step($0, patience: patience)
                    }
                }, greetingWithin: settings.greetingWithin, isTagged: settings.isTagged),
            line: line, loop: loop, engine: engine, facts: facts,
            ended: { [weak self] in self?.ended($0, $1) })
        if let tapes { caller.keepTape(in: tapes) }
        inProgress[call] = (caller, arrival)
        callOfSeat[arrival.seat] = call
        caller.dial()
    }

    /// Drawn by the call alone, so that no other call moves it.
    private func length(of call: UInt32) -> Duration? {
        guard let length = settings.callLength else { return nil }
        var random = seed.stream("call-length", UInt64(call))
        return length.draw(&random)
    }

    /// Who calls, for agents that keep sessions: stable for a call and for those that take it up after it dropped.
    private func identity(session: UInt32, seat: Int) -> [HTTPField] {
        let id = seats[seat].id
        var fields =
            settings.callers.isEmpty ? [] : settings.callers[Int(id) % settings.callers.count]
        if !fields.contains(where: { $0.name == "user_id" }) {
            fields.append(HTTPField("user_id", "caller-\(id)"))
            // As the webhook says it, too.
            let digits = String(id)
            let zeros = String(repeating: "0", count: max(0, 7 - digits.utf8.count))
            if !fields.contains(where: { $0.name == "from_number" }) {
                fields.append(HTTPField("from_number", "+1555\(zeros)\(digits)"))
            }
        }
        return fields + [HTTPField("session_id", "call-\(seed.value)-\(session)")]
    }

    private func ended(_ caller: Caller, _ end: CallMediaEnd) {
        guard let (_, arrival) = inProgress[caller.call] else { return }
        let seat = arrival.seat
        inProgress[caller.call] = nil
        callOfSeat[seat] = nil
        tally.inCall -= 1
        tally.ended += 1
        if caller.isAnswered {
            tally.answered += 1
        } else {
            tally.refused += 1
            tally.lastRefusal = end
            if end != .hungUp { tally.remarks.add(.refused(end)) }
        }
        remark(on: caller, end)
        if redial(
            after: arrival, wasAnswered: caller.isAnswered, answers: caller.answersHeard, end)
        {
            return
        }
        let next = loop.now + settings.redial
        if !hasStopped, let until = seats[seat].until, next < until,
            nextExtraCall < TurnReference.callLimit
        {
            schedule(
                Arrival(
                    due: pace.planTime(next), sequence: 0, seat: seat, call: nextExtraCall,
                    session: nextExtraCall))
            nextExtraCall += settings.stride
            raiseCallLimit()
            armDue()
        }
        finishIfDone()
    }

    private func remark(on caller: Caller, _ end: CallMediaEnd) {
        if caller.wasDropped || (!caller.isAnswered && end != .hungUp) {
            losses.append(CallLoss(call: caller.call, end: end, isAnswered: caller.isAnswered))
        }
        if caller.wasDropped { tally.remarks.add(.dropped(end)) }
        for text in caller.remarks { tally.remarks.add(.said(text)) }
    }

    /// A caller whose stream died dials a new call as the same person; and again, when nobody answered that. False when the
    /// caller does not, or has done so often enough.
    private func redial(
        after arrival: Arrival, wasAnswered: Bool, answers: Int, _ end: CallMediaEnd
    ) -> Bool {
        switch end {
        case .broken: break
        case .closedByAgent(let code): if code == 1000 { return false }
        case .refused, .unreachable, .untrusted, .noAnswer, .unhooked:
            // Only one that takes up a call that dropped: others were never in a call.
            guard arrival.call != arrival.session else { return false }
        case .hungUp: return false
        }
        let redials = wasAnswered ? 0 : arrival.redials
        guard !hasStopped, redials < settings.onDrop.count,
            nextExtraCall < TurnReference.callLimit
        else { return false }
        schedule(
            Arrival(
                due: pace.planTime(loop.now + settings.onDrop[redials]), sequence: 0,
                seat: arrival.seat,
                call: nextExtraCall, session: arrival.session, redials: redials + 1,
                answers: arrival.answers + answers))
        nextExtraCall += settings.stride
        raiseCallLimit()
        armDue()
        return true
    }

    private func finishIfDone() {
        guard let done, arrivals.isEmpty, waiting.isEmpty, inProgress.isEmpty else { return }
        self.done = nil
        isDone = true
        loop.cancel(dueTimer)
        done()
    }

    private func state(
        _ kind: FactKind, _ call: UInt32, at: Instant, detail: UInt32, value: Int64 = 0
    ) {
        facts.state(Fact(kind, at: at, call: call, value: value, detail: detail, origin: .caller))
    }
}
