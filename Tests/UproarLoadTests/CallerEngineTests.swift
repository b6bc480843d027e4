import Testing
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarStatistics

@testable import UproarLoad

private final class Sender: FrameSender {
    var due: [Int64] = []
    var skipped = 0
    var onFrame: (() -> Void)?
    func frameDue(_ due: Instant, now: Instant) -> Instant {
        self.due.append(due.nanoseconds)
        onFrame?()
        return due
    }
    func frameSkipped(due: Instant) { skipped += 1 }
}

/// Time that jumps to each deadline, without input.
private final class SteppedDriver: LoopDriver, @unchecked Sendable {
    private(set) var now = Instant.zero
    private(set) var waits = 0
    var inputPatience = Duration.zero
    func wait(until deadline: Instant) -> Bool {
        waits += 1
        if deadline > now, deadline < .distantFuture { now = deadline }
        return true
    }
    func wake() {}
}

@Suite struct CallerEngineTests {
    @Test func framesAreDueEveryTwentyMillisecondsWithoutDrift() {
        let world = SimulatedWorld()
        let engine = CallerEngine(loop: world.loop)
        let sender = Sender()
        engine.add(sender, slot: 13)
        world.run(for: .seconds(600))
        #expect(sender.due.count == 30_000)
        let first = sender.due[0]
        #expect(first == 13 * 250_000)
        #expect(
            sender.due.enumerated().allSatisfy { $1 == first + Int64($0) * 20_000_000 })
    }

    /// Whoever joins between two frames of the others has missed its own time of this round.
    @Test(arguments: [0, 19, 20, 39, 40, 41, 79])
    func nobodyGetsAFrameForATimeBeforeItWasThere(_ slot: Int) {
        let world = SimulatedWorld()
        let engine = CallerEngine(loop: world.loop)
        engine.add(Sender(), slot: 0)
        world.run(for: .microseconds(10_100))
        let late = Sender()
        engine.add(late, slot: slot)
        let first = CallerEngine.firstDue(from: world.loop.now, slot: slot)
        world.run(for: .seconds(1))
        #expect(late.due.first == first.nanoseconds)
        #expect(late.due.count == 50)
    }

    @Test func callersOfDifferentSlotsShareNoGrid() {
        let world = SimulatedWorld()
        let engine = CallerEngine(loop: world.loop)
        let senders = (0..<80).map { _ in Sender() }
        for (slot, sender) in senders.enumerated() { engine.add(sender, slot: slot) }
        world.run(for: .microseconds(999_900))
        #expect(Set(senders.map { $0.due[0] % 20_000_000 }).count == 80)
        #expect(senders.allSatisfy { $0.due.count == 50 })
    }

    /// Chi-square with 79 degrees of freedom: 124.8 is passed by chance once in a thousand.
    @Test func phasesDrawnFromTheSeedAreUniform() {
        var counts = [Int](repeating: 0, count: CallerEngine.ticksPerFrame)
        for call in 0..<8_000 as Range<UInt64> {
            var random = Seed(42).stream("caller-phase", call)
            counts[random.below(CallerEngine.ticksPerFrame)] += 1
        }
        let expected = 8_000.0 / 80
        let chiSquare = counts.reduce(0.0) {
            $0 + (Double($1) - expected) * (Double($1) - expected) / expected
        }
        #expect(chiSquare < 124.8)
    }

    @Test func aCallerThatLeavesInItsOwnFrameGetsNoMore() {
        let world = SimulatedWorld()
        let engine = CallerEngine(loop: world.loop)
        let leaver = Sender()
        let stayer = Sender()
        engine.add(leaver, slot: 3)
        engine.add(stayer, slot: 3)
        leaver.onFrame = { if leaver.due.count == 5 { engine.remove(leaver, slot: 3) } }
        world.run(for: .seconds(1))
        #expect(leaver.due.count == 5)
        #expect(stayer.due.count == 50)
    }

    @Test func inVirtualTimeACrowdIsStillServedTickByTick() {
        let world = SimulatedWorld()
        let engine = CallerEngine(loop: world.loop)
        let senders = (0..<2 * CallerEngine.crowd).map { _ in Sender() }
        for (index, sender) in senders.enumerated() { engine.add(sender, slot: index % 80) }
        world.run(for: .microseconds(999_900))
        #expect(senders.allSatisfy { $0.due.count == 50 })
        #expect(engine.drainPacing().lateness.greatest == 0)
    }

    /// The clock of the driver stands still but for what the test lets pass; it takes patience as a live one does.
    @Test func aCrowdIsServedTogetherOneMillisecondLateAtTheMost() {
        let driver = SteppedDriver()
        let loop = EventLoop(driver: driver)
        let engine = CallerEngine(loop: loop)
        let senders = (0..<CallerEngine.crowd).map { _ in Sender() }
        for (index, sender) in senders.enumerated() { engine.add(sender, slot: index % 80) }
        #expect(driver.inputPatience == .milliseconds(1))
        loop.run(until: .zero + .seconds(1))
        let pacing = engine.drainPacing()
        // The frames of slot 0 that are due after one second to the tick are in it.
        #expect(pacing.sent == 400 * 50 + 5)
        #expect(pacing.skipped == 0)
        #expect(pacing.lateness.greatest == 750_000)
        #expect(driver.waits < 2 * 1_000)
        // When most have left, the others are served on their own ticks again.
        for (index, sender) in senders.enumerated().dropFirst(80) {
            engine.remove(sender, slot: index % 80)
        }
        #expect(driver.inputPatience == .zero)
        // One timer was set before they left.
        loop.run(until: .zero + .milliseconds(1_001))
        _ = engine.drainPacing()
        loop.run(until: .zero + .milliseconds(2_001))
        let later = engine.drainPacing()
        #expect(later.sent == 80 * 50)
        #expect(later.lateness.greatest == 0)
    }

    @Test func aLoopThatComesLateSendsAtMostTwoFramesAndCountsTheRest() {
        let world = SimulatedWorld()
        let engine = CallerEngine(loop: world.loop)
        let sender = Sender()
        engine.add(sender, slot: 0)
        world.run(for: .milliseconds(100))
        let before = sender.due.count
        // The loop was held up: the next tick it serves is 200 ms after the last.
        engine.timerFired(token: 0, now: world.now + .milliseconds(200))
        #expect(sender.due.count - before == 2)
        #expect(sender.skipped == 8)
        #expect(engine.drainPacing().skipped == 8)
    }
}
