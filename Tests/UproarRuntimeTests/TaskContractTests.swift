import Synchronization
import Testing
import UproarCore
import UproarPosix
import UproarRuntime
import UproarSimulation

/// What tasks and actors on a loop can rely on, in every world.
@Suite struct TaskContractTests {
    /// What tasks write down; they may be anywhere, though they should not.
    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    /// Turn logic as it is meant to be: an actor whose executor is its loop, entered by the data plane without a hop.
    private actor Call {
        let loop: EventLoop
        private(set) var frames = 0
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
        init(on loop: EventLoop) { self.loop = loop }

        nonisolated func frame() { assumeIsolated { $0.frames += 1 } }

        func race(_ log: Log) async {
            let winner = await withTaskGroup(of: String.self) { group in
                group.addTask {
                    do {
                        try await self.loop.sleep(for: .seconds(3600))
                        return "primary"
                    } catch { return "cancelled" }
                }
                group.addTask {
                    try? await self.loop.sleep(for: .milliseconds(1))
                    return "deadline"
                }
                let first = await group.next() ?? "nobody"
                group.cancelAll()
                log.add(await group.next() ?? "nobody")
                return first
            }
            log.add("\(winner) \(loop.isCurrent)")
        }
    }

    private final class FrameSource: TimerHandler {
        let call: Call
        init(_ call: Call) { self.call = call }
        func timerFired(token: UInt64, now: Instant) { call.frame() }
    }

    @Test(arguments: WorldKind.loops)
    func aSleepEndsAtItsDeadlineOnTheLoop(kind: WorldKind) {
        let world = TestWorld(kind)
        let loop = world.loop
        let log = Log()
        let start = loop.now
        loop.start {
            do {
                for _ in 0..<3 { try await loop.sleep(for: .milliseconds(1)) }
                log.add("\(loop.isCurrent)")
                log.add("\(loop.now - start >= .milliseconds(3))")
            } catch { log.add("\(error)") }
        }
        world.run { log.all.count == 2 }
        #expect(log.all == ["true", "true"])
        if kind != .posix { #expect(loop.now == start + .milliseconds(3)) }
    }

    @Test(arguments: WorldKind.loops)
    func theLoserOfARaceIsCancelledAtOnce(kind: WorldKind) {
        let world = TestWorld(kind)
        let loop = world.loop
        let call = Call(on: loop)
        let log = Log()
        let start = loop.now
        loop.start { await call.race(log) }
        world.run { log.all.count == 2 }
        #expect(log.all == ["cancelled", "deadline true"])
        if kind != .posix { #expect(loop.now == start + .milliseconds(1)) }
        #expect(loop.pendingTimerCount == 0, "a cancelled sleep leaves no timer")
    }

    @Test(arguments: WorldKind.loops)
    func aCancelledTaskDoesNotSleep(kind: WorldKind) {
        let world = TestWorld(kind)
        let loop = world.loop
        let log = Log()
        let task = loop.start {
            do {
                try await loop.sleep(for: .seconds(3600))
                log.add("slept")
            } catch { log.add("\(type(of: error))") }
            do {
                try await loop.sleep(for: .seconds(3600))
                log.add("slept")
            } catch { log.add("\(type(of: error))") }
        }
        loop.runOnce(until: loop.now)
        loop.runOnce(until: loop.now)
        #expect(log.all.isEmpty)
        task.cancel()
        world.run { log.all.count == 2 }
        #expect(log.all == ["CancellationError", "CancellationError"])
        #expect(loop.pendingTimerCount == 0)
    }

    @Test(arguments: WorldKind.loops)
    func timersEnterActorsOfTheLoopWithoutAHop(kind: WorldKind) {
        let world = TestWorld(kind)
        let call = Call(on: world.loop)
        let source = FrameSource(call)
        for _ in 0..<5 { world.loop.schedule(source, at: world.loop.now) }
        let log = Log()
        world.loop.runOnce(until: world.loop.now)
        world.loop.start { log.add("\(await call.frames)") }
        world.run { !log.all.isEmpty }
        #expect(log.all == ["5"])
    }

    @Test(arguments: WorldKind.loops)
    func childrenStreamsAndDefaultActorsStayOnTheLoop(kind: WorldKind) {
        actor Counter {
            var count = 0
            func add(_ loop: EventLoop) -> Bool {
                count += 1
                return loop.isCurrent
            }
        }
        let world = TestWorld(kind)
        let loop = world.loop
        let log = Log()
        loop.start {
            let counter = Counter()
            log.add("actor \(await counter.add(loop))")
            let (stream, source) = AsyncStream.makeStream(of: Int.self)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await number in stream { log.add("\(number) \(loop.isCurrent)") }
                }
                group.addTask {
                    for number in 0..<2 {
                        try? await loop.sleep(for: .microseconds(100))
                        source.yield(number)
                    }
                    source.finish()
                }
            }
            async let last = loop.isCurrent
            log.add("end \(await last)")
        }
        world.run { log.all.last?.hasPrefix("end") ?? false }
        #expect(log.all == ["actor true", "0 true", "1 true", "end true"])
    }

    private static func history(seed: UInt64) -> [String] {
        let world = SimulatedWorld(seed: Seed(seed))
        let loop = world.loop
        let log = Log()
        for name in ["a", "b", "c", "d"] {
            loop.start {
                for step in 0..<3 {
                    try? await loop.sleep(for: .milliseconds(1))
                    log.add("\(name)\(step)")
                }
            }
        }
        let acceptor = Acceptor()
        acceptor.onAccepted = { $0.onReceived = { log.add($0.text) } }
        let listener = try? world.network.listen(
            on: .loopback(80), options: ListenOptions(), handler: acceptor)
        for name in ["p", "q", "r"] {
            let client = StreamLog()
            client.stream = world.network.connect(
                to: .loopback(80), options: ConnectOptions(), handler: client)
            client.send(name)
        }
        world.run()
        listener?.close()
        return log.all
    }

    @Test func oneSeedGivesOneHistoryAndOtherSeedsOthers() {
        let histories = (1...12).map { Self.history(seed: $0) }
        for (index, history) in histories.enumerated() {
            #expect(history == Self.history(seed: UInt64(index + 1)))
            #expect(history.count == 15)
            // Each task's own order and time still hold.
            let own = history.filter { $0.hasPrefix("a") }
            #expect(own == ["a0", "a1", "a2"])
        }
        let jobs = Set(histories.map { $0.filter { "abcd".contains($0.first!) } })
        let deliveries = Set(histories.map { $0.filter { "pqr".contains($0.first!) } })
        #expect(jobs.count >= 6)
        #expect(deliveries.count >= 4)
    }

    @Test func otherThreadsReachALoopThatWaits() throws {
        let loops = try (0..<2).map { _ in
            EventLoop(driver: try PosixDriver(clock: .starting()))
        }
        let (near, far) = (loops[0], loops[1])
        let thread = try LoopThread(name: "far", loop: far)
        let log = Log()
        for number in 0..<100 {
            far.submit {
                log.add("\(far.isCurrent)")
                near.submit { log.add("\(number)") }
            }
        }
        let end = near.now + .seconds(10)
        while log.all.count < 200, near.now < end { near.runOnce(until: end) }
        #expect(log.all.filter { $0 == "true" }.count == 100)
        #expect(log.all.filter { $0 != "true" } == (0..<100).map(String.init))
        thread.stop()
    }

    @Test func aTaskMovesBetweenLoopsAndIsCancelledFromAfar() throws {
        let far = EventLoop(driver: try PosixDriver(clock: .starting()))
        let near = EventLoop(driver: try PosixDriver(clock: .starting()))
        let thread = try LoopThread(name: "far", loop: far)
        let log = Log()
        let task = far.start {
            log.add("far \(far.isCurrent)")
            do {
                try await far.sleep(for: .seconds(3600))
            } catch {
                log.add("cancelled \(far.isCurrent)")
                near.submit { log.add("near \(near.isCurrent)") }
            }
        }
        let end = near.now + .seconds(10)
        while log.all.isEmpty, near.now < end { near.runOnce(until: near.now + .milliseconds(1)) }
        task.cancel()
        while log.all.count < 3, near.now < end { near.runOnce(until: near.now + .milliseconds(1)) }
        #expect(log.all == ["far true", "cancelled true", "near true"])
        thread.stop()
    }

    @Test(arguments: WorldKind.loops)
    func backgroundWorkAnswersOnTheLoopInOrder(kind: WorldKind) throws {
        let world = TestWorld(kind)
        let loop = world.loop
        let worker: any BackgroundWorker =
            kind == .posix
            ? try BackgroundThread(name: "background", loop: loop) : InlineWorker(loop: loop)
        var outcomes: [Int] = []
        for number in 0..<20 {
            worker.run {
                number * number
            } then: {
                #expect(loop.isCurrent)
                outcomes.append($0)
            }
        }
        #expect(outcomes.isEmpty)
        world.run { outcomes.count == 20 }
        #expect(outcomes == (0..<20).map { $0 * $0 })
    }
}
