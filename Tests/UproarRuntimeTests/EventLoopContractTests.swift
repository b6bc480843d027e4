import Testing
import UproarCore
import UproarRuntime
import UproarSimulation

/// What the loop promises about timers and the clock, in every world.
@Suite struct EventLoopContractTests {
    /// Writes down which token fired when.
    private final class Recorder: TimerHandler {
        var tokens: [UInt64] = []
        var times: [Instant] = []
        var onFire: ((UInt64) -> Void)?

        func timerFired(token: UInt64, now: Instant) {
            tokens.append(token)
            times.append(now)
            onFire?(token)
        }
    }

    @Test(arguments: WorldKind.loops)
    func timersFireInOrderOfDeadlineThenOfScheduling(kind: WorldKind) {
        let world = TestWorld(kind)
        let recorder = Recorder()
        let base = world.loop.now + .milliseconds(2)
        let deadlines = [3, 1, 2, 1, 3, 1, 2, 0, 1]
        for (index, step) in deadlines.enumerated() {
            world.loop.schedule(
                recorder, token: UInt64(index), at: base + .microseconds(step * 100))
        }
        world.run { recorder.tokens.count == deadlines.count }
        #expect(recorder.tokens == [7, 1, 3, 5, 8, 2, 6, 0, 4])
    }

    @Test(arguments: WorldKind.loops)
    func aTimerNeverFiresEarly(kind: WorldKind) {
        let world = TestWorld(kind)
        let recorder = Recorder()
        let start = world.loop.now
        var deadlines: [Instant] = []
        for index in 0..<50 {
            deadlines.append(start + .microseconds(index * 137))
            world.loop.schedule(recorder, token: UInt64(index), at: deadlines[index])
        }
        world.run { recorder.tokens.count == 50 }
        for (token, time) in zip(recorder.tokens, recorder.times) {
            #expect(time >= deadlines[Int(token)])
        }
        #expect(recorder.times == recorder.times.sorted())
    }

    @Test(arguments: WorldKind.loops)
    func aSiblingDueInTheSameTurnCanBeCancelled(kind: WorldKind) {
        let world = TestWorld(kind)
        let recorder = Recorder()
        let due = world.loop.now
        var ids: [TimerID] = []
        for token in 0..<4 {
            ids.append(world.loop.schedule(recorder, token: UInt64(token), at: due))
        }
        recorder.onFire = { token in
            if token == 1 {
                world.loop.cancel(ids[2])
                world.loop.cancel(ids[0])
                world.loop.cancel(ids[1])
            }
        }
        world.loop.run(until: due + .milliseconds(1))
        #expect(recorder.tokens == [0, 1, 3])
        #expect(world.loop.pendingTimerCount == 0)
    }

    @Test(arguments: WorldKind.loops)
    func aDeadlineInThePastFiresInTheNextTurn(kind: WorldKind) {
        let world = TestWorld(kind)
        let recorder = Recorder()
        world.loop.run(until: world.loop.now + .milliseconds(1))
        recorder.onFire = { token in
            if token < 3 {
                world.loop.schedule(
                    recorder, token: token + 1, at: world.loop.now - .seconds(1))
            }
        }
        world.loop.schedule(recorder, token: 0, at: Instant(nanoseconds: .min))
        #expect(recorder.tokens.isEmpty, "not from within schedule")
        for turn in 1...4 {
            world.loop.runOnce(until: world.loop.now)
            #expect(recorder.tokens.count == turn, "one step a turn")
        }
        #expect(recorder.tokens == [0, 1, 2, 3])
    }

    @Test(arguments: WorldKind.loops)
    func pastDeadlinesAmongThemselvesKeepTheOrderOfScheduling(kind: WorldKind) {
        let world = TestWorld(kind)
        let recorder = Recorder()
        world.loop.schedule(recorder, token: 0, at: world.loop.now)
        world.loop.runOnce(until: world.loop.now)
        world.loop.schedule(recorder, token: 1, at: world.loop.now - .seconds(1))
        world.loop.schedule(recorder, token: 2, at: world.loop.now - .seconds(2))
        world.run { recorder.tokens.count == 3 }
        #expect(recorder.tokens == [0, 1, 2])
    }

    @Test(arguments: WorldKind.loops)
    func handlersMayScheduleAndCancelAnything(kind: WorldKind) {
        let world = TestWorld(kind)
        let recorder = Recorder()
        var random = Seed(3).stream("re-entrancy")
        var pending: [UInt64: TimerID] = [:]
        var cancelled: Set<UInt64> = []
        var next: UInt64 = 0
        func add() {
            next += 1
            pending[next] = world.loop.schedule(
                recorder, token: next, at: world.loop.now + .microseconds(random.below(200)))
        }
        recorder.onFire = { token in
            #expect(!cancelled.contains(token))
            pending[token] = nil
            if next < 2000 {
                add()
                if random.chance(1, 2) { add() }
            }
            if random.chance(1, 3), let victim = pending.keys.min() {
                world.loop.cancel(pending.removeValue(forKey: victim)!)
                cancelled.insert(victim)
            }
        }
        for _ in 0..<20 { add() }
        world.run { pending.isEmpty }
        #expect(Set(recorder.tokens).union(cancelled).count == Int(next))
        #expect(Set(recorder.tokens).isDisjoint(with: cancelled))
        #expect(world.loop.pendingTimerCount == 0)
    }

    @Test(arguments: WorldKind.loops)
    func aHandlerIsKeptUntilItsTimerFiresOrIsCancelled(kind: WorldKind) {
        let world = TestWorld(kind)
        weak var fired: Recorder?
        weak var cancelled: Recorder?
        var id = TimerID.none
        do {
            let first = Recorder()
            let second = Recorder()
            (fired, cancelled) = (first, second)
            world.loop.schedule(first, at: world.loop.now)
            id = world.loop.schedule(second, at: world.loop.now + .seconds(60))
        }
        #expect(fired != nil && cancelled != nil)
        world.loop.cancel(id)
        #expect(cancelled == nil)
        world.loop.runOnce(until: world.loop.now)
        #expect(fired == nil)
    }

    @Test(arguments: WorldKind.loops)
    func usedIdsCancelNobody(kind: WorldKind) {
        let world = TestWorld(kind)
        let recorder = Recorder()
        let used = world.loop.schedule(recorder, token: 1, at: world.loop.now)
        world.run { recorder.tokens == [1] }
        let later = world.loop.schedule(recorder, token: 2, at: world.loop.now)
        #expect(used != later)
        world.loop.cancel(used)
        world.loop.cancel(.none)
        world.run { recorder.tokens == [1, 2] }
    }

    @Test(arguments: WorldKind.loops)
    func theClockNeverGoesBackAndRunUntilReachesItsLimit(kind: WorldKind) {
        let world = TestWorld(kind)
        var last = world.loop.now
        for step in 1...20 {
            let limit = world.loop.now + .microseconds(step * 50)
            world.loop.schedule(at: limit - .microseconds(20)) {
                #expect(world.loop.now >= last)
                last = world.loop.now
            }
            world.loop.run(until: limit)
            #expect(world.loop.now >= limit)
            #expect(last >= limit - .microseconds(20), "what was due by the limit has been done")
            if kind != .posix { #expect(world.loop.now == limit) }
        }
    }

    @Test(arguments: WorldKind.loops)
    func latenessIsMeasuredAndTaken(kind: WorldKind) {
        let world = TestWorld(kind)
        let recorder = Recorder()
        for token in 0..<10 {
            world.loop.schedule(recorder, token: UInt64(token), at: world.loop.now)
        }
        let end = world.loop.now + .milliseconds(2)
        if kind == .posix { while world.loop.now < end {} }
        world.run { recorder.tokens.count == 10 }
        let lag = world.loop.takeLag()
        #expect(lag.count == 10)
        if kind == .posix {
            #expect(lag.maximum >= .milliseconds(1))
        } else {
            #expect(lag.maximum == .zero)
        }
        #expect(world.loop.lag.count == 0)
    }

    @Test(arguments: WorldKind.loops)
    func stopEndsRun(kind: WorldKind) {
        let world = TestWorld(kind)
        var ticks = 0
        final class Ticker: TimerHandler {
            var onTick: (() -> Void)?
            func timerFired(token: UInt64, now: Instant) { onTick?() }
        }
        let ticker = Ticker()
        ticker.onTick = {
            ticks += 1
            if ticks == 5 { world.loop.stop() }
            world.loop.schedule(ticker, at: world.loop.now)
        }
        world.loop.schedule(ticker, at: world.loop.now)
        world.loop.run()
        #expect(ticks == 5)
        world.loop.stop()
        world.loop.run()
        #expect(ticks == 5, "a stop before run is not lost")
        ticker.onTick = nil
    }

    @Test func virtualTimeEndsWhenNothingCanHappen() {
        let world = SimulatedWorld()
        var fired = false
        world.loop.schedule(at: .zero + .seconds(3600)) { fired = true }
        world.run()
        #expect(fired)
        #expect(world.now == .zero + .seconds(3600))
    }

    /// In that turn the world has nothing to wait for.
    @Test(arguments: [WorldKind.simulated, .seeded])
    func whatMailBringsInATurnWithoutInputKeepsTheLoopAlive(kind: WorldKind) {
        final class Opened: @unchecked Sendable {
            let world: TestWorld
            let recorder = Recorder()
            init(_ world: TestWorld) { self.world = world }
            func schedule() {
                world.loop.schedule(recorder, token: 1, at: world.loop.now + .seconds(1))
            }
        }
        let opened = Opened(TestWorld(kind))
        let loop = opened.world.loop
        loop.submit { loop.submit { loop.submit { opened.schedule() } } }
        loop.run()
        #expect(opened.recorder.tokens == [1])
    }
}
