import Testing
import UproarCore
import UproarFaults

@Suite("Whom a fault meets, and when")
struct FaultAimTests {
    static func plan(
        _ scope: FaultScope = .init(), from: Int = 10, until: Int = 20,
        pulse: FaultWindow.Pulse? = nil, count: Int? = nil
    ) -> FaultPlan {
        FaultPlan(
            id: "stt-down", number: 3, fault: "http_error",
            attributes: .init([("status", .integer(503))]), scope: scope,
            window: .init(
                from: .zero + .seconds(from), until: .zero + .seconds(until), pulse: pulse,
                count: count), seed: Seed(7))
    }

    func passage(_ call: UInt32, _ index: UInt64 = 0) -> FaultPassage {
        FaultPassage(names: ["deepgram", "stt"], key: UInt64(call), call: call, index: index)
    }

    let during = Instant.zero + .seconds(15)

    @Test("It meets nothing before its beginning and nothing from its end on")
    func window() {
        var aim = FaultAim(Self.plan())
        let hits = [9_999, 10_000, 20_000].map {
            aim.meets(passage(1), at: .zero + .milliseconds($0))
        }
        #expect(hits == [false, true, false])
    }

    @Test("A pulse is on for the first time and off for the second")
    func pulse() {
        var aim = FaultAim(
            Self.plan(pulse: .init(on: .seconds(2), off: .seconds(1))))
        let hits = (0..<10).map { aim.meets(passage(1), at: .zero + .seconds(10 + $0)) }
        #expect(hits == [true, true, false, true, true, false, true, true, false, true])
        let window = aim.plan.window
        #expect(window.nextChange(after: .zero + .seconds(10)) == .zero + .seconds(12))
        #expect(window.nextChange(after: .zero + .seconds(12)) == .zero + .seconds(13))
        #expect(window.nextChange(after: .zero + .seconds(20)) == nil)
    }

    @Test("The same calls and requests are hit in whatever order they come (P0-2)")
    func keyed() {
        var scope = FaultScope(on: ["stt"])
        scope.chance = Chance(3, of: 10)
        let passages = (0..<64).flatMap { call in
            (0..<8).map { passage(UInt32(call), UInt64($0)) }
        }
        func hit(_ order: [FaultPassage]) -> Set<FaultPassage> {
            var aim = FaultAim(Self.plan(scope))
            return Set(order.filter { aim.meets($0, at: during) })
        }
        let oneByOne = hit(passages)
        // 64 callers side by side: their requests come interleaved.
        let sideBySide = hit(passages.sorted { ($0.index, $0.key) < ($1.index, $1.key) })
        var shuffle = RandomStream(state: 5)
        #expect(oneByOne == sideBySide)
        #expect(oneByOne == hit(passages.shuffled(using: &shuffle)))
        // 99.9 % band of a binomial with 512 draws at 0.3.
        #expect((120...188).contains(oneByOne.count))
    }

    @Test("A draw by call hits all its requests or none")
    func perCall() {
        var scope = FaultScope()
        scope.chance = Chance(1, of: 2)
        scope.unit = .call
        var aim = FaultAim(Self.plan(scope))
        for call in 0..<50 as Range<UInt32> {
            let hits = (0..<6).map { aim.meets(passage(call, $0), at: during) }
            #expect(Set(hits).count == 1)
        }
    }

    @Test("A cohort is sticky, and another fault's cohort is another one")
    func cohort() {
        var scope = FaultScope()
        scope.cohort = .share(Chance(1, of: 4))
        let aim = FaultAim(Self.plan(scope))
        var other = Self.plan(scope)
        other.id = "tts-down"
        let second = FaultAim(other)
        let calls = (0..<400 as Range<UInt32>)
        let first = calls.filter { aim.covers(passage($0)) }
        #expect(first == calls.filter { aim.covers(passage($0, 9)) })
        #expect((70...130).contains(first.count))
        #expect(first != calls.filter { second.covers(passage($0)) })
    }

    @Test("Conditions, targets, counts and limits each keep it off")
    func limits() {
        var scope = FaultScope(on: ["cartesia"])
        #expect(!FaultAim(Self.plan(scope)).covers(passage(1)))
        scope.on = ["stt"]
        scope.conditions = [.init("path", "/v1/*")]
        var asked = passage(1)
        #expect(!FaultAim(Self.plan(scope)).covers(asked))
        asked.fields = [.init("path", "/v1/listen")]
        #expect(FaultAim(Self.plan(scope)).covers(asked))
        var counted = FaultAim(Self.plan(count: 2))
        let met = (0..<4 as Range<UInt32>).map { counted.meets(passage($0), at: during) }
        #expect(met == [true, true, false, false])
        scope = FaultScope()
        scope.maxActive = 1
        var bounded = FaultAim(Self.plan(scope))
        let first = bounded.meets(passage(1), at: during)
        let second = bounded.meets(passage(2), at: during)
        bounded.released()
        let third = bounded.meets(passage(2), at: during)
        #expect([first, second, third] == [true, false, true])
    }

    @Test("A ramp lets more and more through to the fault")
    func ramp() {
        var scope = FaultScope()
        scope.ramp = .seconds(10)
        var aim = FaultAim(Self.plan(scope))
        func share(at second: Int) -> Int {
            (0..<1000 as Range<UInt32>).count(where: {
                aim.meets(passage($0), at: .zero + .seconds(second))
            })
        }
        #expect(share(at: 10) == 0)
        #expect((420...580).contains(share(at: 15)))
        #expect((840...960).contains(share(at: 19)))
    }

    @Test("A plan survives its journey over the control socket")
    func json() throws {
        var scope = FaultScope(on: ["deepgram"])
        scope.conditions = [.init("path", "/v1/listen")]
        scope.cohort = .calls([1, 5])
        scope.chance = Chance(1, of: 200)
        scope.unit = .call
        scope.maxActive = 4
        scope.ramp = .seconds(2)
        var plan = Self.plan(scope, pulse: .init(on: .seconds(1), off: .seconds(2)), count: 9)
        plan.attributes = .init([
            ("status", .integer(503)), ("delay", .distribution(.uniform(.zero, .seconds(1)))),
            ("a", .duration(.milliseconds(5))), ("b", .chance(Chance(1, of: 3))),
            ("c", .number(1.5)), ("d", .isOn(false)), ("e", .text("fin")),
        ])
        let copy = FaultPlan(json: try JSONParser.parse(plan.json.encoded()))
        #expect(copy == plan)
    }
}
