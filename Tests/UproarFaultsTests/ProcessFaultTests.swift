import Testing
import UproarCore
import UproarFaults

@Suite("Faults on processes: what they mean")
struct ProcessFaultTests {
    func plan(_ seed: UInt64) -> FaultPlan {
        FaultPlan(
            id: "k", number: 0, fault: "kill",
            window: .init(from: .zero, until: .zero + .seconds(1)), seed: Seed(seed))
    }

    @Test("Who dies is the seed's choice, and a share is at least one")
    func victims() {
        let half = KillFault(.init([("share", .chance(Chance(1, of: 2)))]))
        let chosen = (0..<40).map { half.chosen(of: 10, plan: plan($0)) }
        #expect(chosen.allSatisfy { $0.count == 5 && Set($0).count == 5 && $0 == $0.sorted() })
        #expect(Set(chosen).count > 20)
        #expect(half.chosen(of: 10, plan: plan(3)) == half.chosen(of: 10, plan: plan(3)))
        let few = KillFault(.init([("share", .chance(Chance(1, of: 100)))]))
        #expect(few.chosen(of: 10, plan: plan(1)).count == 1)
        #expect(few.chosen(of: 0, plan: plan(1)) == [])
        let many = KillFault(.init([("processes", .integer(7))]))
        #expect(many.chosen(of: 3, plan: plan(1)) == [0, 1, 2])
        #expect(KillFault(.init()).chosen(of: 2, plan: plan(1)) == [0, 1])
    }

    @Test("One more process moves nobody else's fate, but for the one it replaces")
    func stable() {
        let three = KillFault(.init([("processes", .integer(3))]))
        for seed in UInt64(0)..<50 {
            let before = Set(three.chosen(of: 8, plan: plan(seed)))
            let after = Set(three.chosen(of: 9, plan: plan(seed)))
            #expect(before.subtracting(after).count <= 1)
        }
    }

    @Test(
        "A duty cycle is on for its share of each period, and its changes are where they are said")
    func cycle() {
        let cycle = DutyCycle(share: 0.3, period: .milliseconds(100))
        #expect(cycle.isOn(after: .zero))
        #expect(cycle.isOn(after: .milliseconds(29)))
        #expect(!cycle.isOn(after: .milliseconds(30)))
        #expect(!cycle.isOn(after: .milliseconds(99)))
        #expect(cycle.isOn(after: .milliseconds(100)))
        #expect(cycle.next(after: .zero) == .milliseconds(30))
        #expect(cycle.next(after: .milliseconds(30)) == .milliseconds(100))
        #expect(cycle.next(after: .milliseconds(250)) == .milliseconds(300))
        #expect(DutyCycle(share: 0, period: .milliseconds(100)).on == .milliseconds(1))
    }

    @Test("Memory grows over its ramp and stays; a share counts what is used already")
    func memory() {
        let ramp = Duration.seconds(10)
        #expect(MemoryPressureFault.held(of: 1000, after: .zero, ramp: ramp) == 0)
        #expect(MemoryPressureFault.held(of: 1000, after: .seconds(5), ramp: ramp) == 500)
        #expect(MemoryPressureFault.held(of: 1000, after: .seconds(50), ramp: ramp) == 1000)
        #expect(MemoryPressureFault.held(of: 1000, after: .zero, ramp: .zero) == 1000)
        let share = MemoryPressureFault(.init([("share", .chance(Chance(82, of: 100)))]))
        #expect(share.bytes(limit: 1000, used: 300) == 520)
        #expect(share.bytes(limit: 1000, used: 900) == 0)
        let bytes = MemoryPressureFault(.init([("bytes", .number(77))]))
        #expect(bytes.bytes(limit: 1000, used: 900) == 77)
    }

    @Test("The processors that pressure takes, and what it leaves of one")
    func pressure() {
        let fault = CPUPressureFault(
            .init([("workers", .integer(3)), ("load", .chance(Chance(1, of: 2)))]))
        #expect(fault.cores == 1.5)
        #expect(fault.remainder == 0.4)
    }

    @Test(
        "The decision of the dice stands in the evidence with its draw; without dice there is none")
    func decisions() {
        func passage(_ call: UInt32) -> FaultPassage {
            FaultPassage(names: ["deepgram"], key: UInt64(call), call: call, index: 9)
        }
        var scope = FaultScope()
        scope.chance = Chance(1, of: 2)
        var plan = plan(5)
        plan.scope = scope
        var aim = FaultAim(plan)
        let now = Instant.zero + .milliseconds(500)
        var hits = 0
        for call in UInt32(0)..<50 {
            let isHit = aim.meets(passage(call), at: now)
            hits += isHit ? 1 : 0
            let decision = aim.takeDecision(isHit, passage(call), at: now)
            #expect(decision?.isHit == isHit)
            var stream = plan.stream(UInt64(call), 9)
            #expect(decision?.drawn == stream.next())
        }
        #expect(hits > 10 && hits < 40)
        var always = FaultAim(self.plan(5))
        let isMet = always.meets(passage(1), at: now)
        #expect(isMet)
        let decision = always.takeDecision(true, passage(1), at: now)
        #expect(decision != nil && decision?.drawn == nil)
        let late = Instant.zero + .seconds(5)
        let isMetLate = aim.meets(passage(1), at: late)
        #expect(!isMetLate)
        #expect(aim.takeDecision(false, passage(1), at: late) == nil)
    }
}
