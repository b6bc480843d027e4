import Testing
import UproarCore
import UproarFaults
import UproarLoad
import UproarScenario

@Suite("The timeline carried out")
struct NemesisTests {
    func inject(_ id: String, _ when: TimelineEvent.When, _ life: TimelineEvent.Life)
        -> TimelineEvent
    {
        TimelineEvent(
            id: id, when: when, action: .inject(fault: "http_error", attributes: []), life: life)
    }

    /// Advances from due time to due time and writes down what was to be done when.
    func run(
        _ timeline: [TimelineEvent], load: Duration = .seconds(60),
        holds: (GateRule, Instant) -> Bool? = { _, _ in nil },
        hits: (UInt32, Instant) -> Int = { _, _ in 0 }
    ) -> [String] {
        let plan = TimelinePlan(timeline, seed: Seed(3), loadDuration: load)
        var nemesis = Nemesis(timeline, plan: plan, seed: Seed(3), callsOf: { _, _ in [] })
        var log: [String] = []
        var now = Instant.zero
        for _ in 0..<10_000 {
            for action in nemesis.advance(
                to: now, holds: { holds($0, now) }, hits: { hits($0, now) })
            {
                let time = "\(now.milliseconds) "
                switch action {
                case .arm(let plan): log.append(time + "arm \(plan.id)")
                case .clear(_, let id): log.append(time + "clear \(id)")
                case .mark(let text): log.append(time + "mark \(text)")
                case .expected(let id, let came): log.append(time + "\(id) \(came)")
                case .gaveUp(let id): log.append(time + "gave up \(id)")
                }
            }
            guard let next = nemesis.next(after: now) else { break }
            now = max(next, now + .nanoseconds(1))
        }
        return log
    }

    @Test("Events come at their times, end by themselves, and follow each other")
    func order() {
        let log = run([
            inject("a", .at(.seconds(10)), .lasting(.seconds(5))),
            inject("b", .after("a", .seconds(2)), .lasting(.seconds(3))),
            .init(id: "m", when: .at(.seconds(12)), action: .mark("halfway")),
        ])
        #expect(
            log == [
                "10000 arm a", "12000 mark halfway", "15000 clear a", "17000 arm b",
                "20000 clear b",
            ])
    }

    @Test(
        "Hastened, the next fault begins at once, whatever it waits for, and lasts as long as it would have"
    )
    func hastened() {
        let timeline = [
            inject("later", .at(.seconds(30)), .lasting(.seconds(5))),
            inject("next", .at(.seconds(10)), .lasting(.seconds(3))),
            inject("after", .after("next", .seconds(40)), .lasting(.seconds(1))),
        ]
        let plan = TimelinePlan(timeline, seed: Seed(3), loadDuration: .seconds(60))
        var nemesis = Nemesis(timeline, plan: plan, seed: Seed(3), callsOf: { _, _ in [] })
        func steps(to second: Int) -> [String] {
            nemesis.advance(
                to: .zero + .seconds(second), holds: { _ in nil }, hits: { _ in 0 }
            ).map { action in
                switch action {
                case .arm(let plan): "arm \(plan.id)"
                case .clear(_, let id): "clear \(id)"
                default: "other"
                }
            }
        }
        #expect(steps(to: 2).isEmpty)
        #expect(nemesis.hasten(at: .zero + .seconds(2)) == "next")
        #expect(nemesis.next(after: .zero + .seconds(2)) == .zero + .seconds(2))
        #expect(steps(to: 2) == ["arm next"])
        #expect(steps(to: 5) == ["clear next"])
        #expect(steps(to: 10).isEmpty)
        #expect(nemesis.hasten(at: .zero + .seconds(11)) == "later")
        #expect(steps(to: 11) == ["arm later"])
        #expect(nemesis.hasten(at: .zero + .seconds(12)) == "after")
        #expect(nemesis.hasten(at: .zero + .seconds(12)) == "after")
        #expect(steps(to: 12) == ["arm after"])
        #expect(nemesis.hasten(at: .zero + .seconds(13)) == nil)
    }

    @Test("A clear ends what it names; the end of the load ends everything; what waits is given up")
    func clears() {
        let log = run(
            [
                inject("a", .at(.seconds(1)), .lasting(.seconds(50))),
                inject("b", .at(.seconds(2)), .lasting(.seconds(50))),
                .init(id: "c", when: .at(.seconds(3)), action: .clear("a")),
                inject("d", .after("b", .seconds(40)), .lasting(.seconds(1))),
            ], load: .seconds(20))
        #expect(
            log == ["1000 arm a", "2000 arm b", "3000 clear a", "20000 clear b", "20000 gave up d"])
    }

    @Test("Hits end a count; a pulse and a count travel in the plan")
    func counts() {
        let log = run(
            [inject("a", .at(.seconds(1)), .count(3, max: .seconds(30)))],
            hits: { _, now in now >= .zero + .seconds(5) ? 3 : 0 })
        // Its own bound ends it where hits happen; here it is seen at the next time something is due.
        #expect(log.first == "1000 arm a")
        #expect(log.last?.hasSuffix("clear a") == true)
    }

    @Test("Interrupted: what is armed is cleared at once, what waits never comes")
    func interrupted() {
        let timeline = [
            inject("a", .at(.seconds(1)), .lasting(.seconds(50))),
            inject("b", .at(.seconds(9)), .lasting(.seconds(5))),
        ]
        let plan = TimelinePlan(timeline, seed: Seed(3), loadDuration: .seconds(60))
        var nemesis = Nemesis(timeline, plan: plan, seed: Seed(3), callsOf: { _, _ in [] })
        _ = nemesis.advance(to: .zero + .seconds(1), holds: { _ in nil }, hits: { _ in 0 })
        let actions = nemesis.clearAll(at: .zero + .seconds(4))
        let isOver = nemesis.isOver
        #expect(actions == [.clear(0, "a")])
        #expect(isOver)
    }
}
