import Glibc
import UproarCore
import UproarPosix
import UproarRuntime
import UproarSimulation

/// What the runtime's own steps cost: processor time of the measuring thread per step.
///
///     RuntimeBenchmark [CALLERS]
@main
struct RuntimeBenchmark {
    static func main() throws {
        let callers = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1000
        report("timer scheduled, fired and scheduled again (1,000 pending)", timers())
        report("timer scheduled and cancelled (1,000 pending)", cancels())
        report("wake of a task that sleeps on the loop", wakes())
        report("simulated delivery of 345 bytes, arrival order", deliveries(nil))
        report("simulated delivery of 345 bytes, seeded order", deliveries(Seed(1)))
        report("simulated frame pair, 1,000 callers", try simulatedFrames())
        let media = try FrameLoad(callers: callers, seconds: 3).run()
        report("345-byte frame pair over loopback TCP, \(callers) callers", media.cost)
        print("  sent \(media.sent), received \(media.received), \(media.lateness)")
    }

    static func report(_ what: String, _ nanoseconds: Double) {
        print("\(NumberText.fixed(nanoseconds / 1000, 3)) µs  \(what)")
    }

    /// Processor time of this thread, in nanoseconds.
    static func cpu() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private final class Ticker: TimerHandler {
        let loop: EventLoop
        var left: Int
        init(_ loop: EventLoop, _ count: Int) {
            self.loop = loop
            left = count
        }
        func timerFired(token: UInt64, now: Instant) {
            guard left > 0 else { return }
            left -= 1
            loop.schedule(
                self, token: token,
                at: Instant(nanoseconds: now.nanoseconds + 20_000_000 + Int64(token % 7) * 1000))
        }
    }

    static func timers() -> Double {
        let world = SimulatedWorld()
        let count = 3_000_000
        let ticker = Ticker(world.loop, count)
        for token in 0..<1000 {
            world.loop.schedule(
                ticker, token: UInt64(token), at: Instant(nanoseconds: Int64(token) * 20_000))
        }
        let start = cpu()
        world.run()
        return Double(cpu() - start) / Double(count)
    }

    static func cancels() -> Double {
        let world = SimulatedWorld()
        let ticker = Ticker(world.loop, 0)
        for token in 0..<1000 {
            world.loop.schedule(ticker, at: Instant(nanoseconds: Int64(token) * 20_000))
        }
        let count = 2_000_000
        let start = cpu()
        for index in 0..<count {
            let timer = world.loop.schedule(
                ticker, at: Instant(nanoseconds: Int64(index % 1000) * 20_000))
            world.loop.cancel(timer)
        }
        return Double(cpu() - start) / Double(count)
    }

    static func wakes() -> Double {
        let world = SimulatedWorld()
        let loop = world.loop
        for _ in 0..<1000 {
            loop.start {
                for _ in 0..<500 {
                    try? await loop.sleep(
                        until: Instant(nanoseconds: loop.now.nanoseconds + 20_000_000))
                }
            }
        }
        let start = cpu()
        world.run()
        return Double(cpu() - start) / 500_000
    }

    private final class Sink: ByteStreamHandler, ListenerHandler {
        var received = 0
        func accepted(_ stream: any ByteStream) -> any ByteStreamHandler { self }
        func received(_ bytes: RawSpan, at: Instant, on stream: any ByteStream) {
            received += bytes.byteCount
        }
        func closed(_ stream: any ByteStream, reason: CloseReason) {}
    }

    static func deliveries(_ seed: Seed?) -> Double {
        let world = SimulatedWorld(seed: seed)
        let sink = Sink()
        guard
            let listener = try? world.network.listen(
                on: .loopback(0), options: ListenOptions(), handler: sink)
        else { return .nan }
        let streams = (0..<100).map { _ in
            world.network.connect(
                to: listener.endpoint, options: ConnectOptions(), handler: sink)
        }
        world.run()
        let frame = [UInt8](repeating: 1, count: 345)
        let rounds = 20_000
        let start = cpu()
        for _ in 0..<rounds {
            for stream in streams { stream.write(frame.span.bytes) }
            while world.driver.nextInput != nil { world.loop.runOnce() }
        }
        let cost = Double(cpu() - start) / Double(rounds * streams.count)
        precondition(sink.received == rounds * streams.count * 345)
        return cost
    }

    static func simulatedFrames() throws -> Double {
        let world = SimulatedWorld(seed: Seed(2))
        let caller = FrameCallers(loop: world.loop, network: world.network, count: 1000)
        let echo = FrameEcho()
        let listener = try world.network.listen(
            on: .loopback(0), options: ListenOptions(), handler: echo)
        caller.dial(listener.endpoint)
        world.run(for: .milliseconds(1))
        let start = cpu()
        caller.play(seconds: 20)
        world.run(for: .seconds(21))
        precondition(caller.sent == 1_000_000 && caller.received == caller.sent)
        return Double(cpu() - start) / Double(caller.sent)
    }
}
