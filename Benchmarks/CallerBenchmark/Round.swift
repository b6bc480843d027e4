import Glibc
import UproarCore
import UproarHarness
import UproarLoad
import UproarPosix
import UproarRuntime
import UproarStatistics
import UproarTransports
import UproarWire

/// So many callers on one loop for so many seconds, against a mirror.
struct Round {
    struct Outcome {
        /// Nanoseconds of the callers' thread per frame sent; one is heard for each.
        var cost: Double
        var pacing = PacingCount()
        /// Bytes of resident memory that came with the callers, per caller.
        var memory: Double
        /// Seconds of the measured time in which a caller spoke, per caller-second.
        var turns = 0
        /// Share of one core that the thread used.
        var share: Double

        var isPunctual: Bool {
            pacing.skipped == 0 && pacing.lateness.quantile(0.99) ?? 0 <= 5_000_000
        }
        var lateness: String {
            func text(_ q: Double) -> String {
                NumberText.fixed(Double(pacing.lateness.quantile(q) ?? 0) / 1e6, 3)
            }
            return "late ms p50 \(text(0.5)) p99 \(text(0.99)) max \(text(1))"
        }
    }

    var callers: Int
    var far: FarEnd
    var seconds: Int
    /// Rises to all callers in this time; then they are given two seconds more to settle.
    var ramp: Int

    func run() throws -> Outcome {
        let mirror = try MirrorProcess(far)
        defer { mirror.stop() }
        let text = """
            name: benchmark
            summary: "Callers against a mirror."
            seed: 1
            target: {url: "ws://127.0.0.1:\(mirror.port)/media"}
            transport: twilio
            tagging: off
            conversation: conversations/busy-tasks.yaml
            audio: fixtures/task-manager
            load:
              - ramp: 0 -> \(callers) callers over \(ramp)s
              - hold: \(callers) callers for 1h
            """
        let scenario = try ScenarioLoading.read(
            text: text, name: "scenarios/benchmark.yaml", overrides: [])
        let (plan, lines, _) = try ScenarioLoading.plan(scenario, seed: 1)
        let url = try WireURL("ws://127.0.0.1:\(mirror.port)/media")

        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let network = PosixNetwork(loop: loop, driver: driver)
        let side = CallerSide(
            loop: loop, plan: plan, lines: lines,
            transport: { _ in
                TwilioTransport(url: url, network: network, loop: loop, seed: plan.seed)
            })
        loop.run(until: loop.now + .milliseconds(100))
        let idle = Self.residentBytes()
        side.driver.start {}
        var turns = 0
        func drain() {
            for fact in side.facts.drain() where fact.kind == FactKind.utteranceEnded.rawValue {
                turns += 1
            }
        }
        func go(for seconds: Int) {
            for _ in 0..<10 * seconds {
                loop.run(until: loop.now + .milliseconds(100))
                drain()
            }
        }
        go(for: ramp + 2)
        guard side.driver.counts.inCall == callers else {
            throw Failure("only \(side.driver.counts.inCall) of \(callers) callers are connected")
        }
        _ = side.engine.drainPacing()
        turns = 0
        let start = Self.threadTime()
        go(for: seconds)
        let used = Self.threadTime() - start
        let pacing = side.engine.drainPacing()
        let grown = Self.residentBytes() - idle
        side.driver.hangUpAll()
        loop.run(until: loop.now + .milliseconds(500))
        return Outcome(
            cost: Double(used) / Double(max(1, pacing.sent)), pacing: pacing,
            memory: Double(grown) / Double(callers), turns: turns,
            share: Double(used) / Double(seconds) / 1e9)
    }

    static func threadTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// The second figure of /proc/self/statm, in bytes.
    static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        let fields = TextLine.read(file)?.split(separator: " ") ?? []
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}

struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// A line of another program, without its end.
enum TextLine {
    static func read(_ file: UnsafeMutablePointer<FILE>) -> String? {
        var line = [CChar](repeating: 0, count: 1024)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = line.prefix { $0 != 0 && $0 != 10 }
        return String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The mirror, started for one round.
final class MirrorProcess {
    let port: Int
    private let output: UnsafeMutablePointer<FILE>
    private let pid: Int32

    init(_ far: FarEnd) throws {
        let program = CommandLine.arguments[0]
        // The shell says whom to end, then becomes the mirror.
        guard let output = popen("echo $$; exec '\(program)' \(far.rawValue)", "r") else {
            throw Failure("the mirror does not start")
        }
        self.output = output
        func number() throws -> Int {
            guard let value = TextLine.read(output).flatMap({ Int($0) }) else {
                throw Failure("the mirror does not say its port")
            }
            return value
        }
        pid = Int32(try number())
        port = try number()
    }

    func stop() {
        kill(pid, SIGKILL)
        pclose(output)
    }
}
