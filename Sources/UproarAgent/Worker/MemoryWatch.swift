import UproarCore
import UproarRuntime

/// Looks at the worker's memory and processor time every ten seconds: drains it before the limit ends it.
///
/// | memory | what is done |
/// |---|---|
/// | below 80 % of the limit | nothing |
/// | from 80 % | alert; no new calls, those going on end by themselves |
/// | from 85 % | the worker stops gracefully |
final class MemoryWatch: TimerHandler {
    enum Level: Int, Comparable {
        case normal, high, critical
        static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    static let interval = Duration.seconds(10)

    private let meter: any WorkerMeter
    private let metrics: AgentMetrics
    private let loop: EventLoop
    private let rose: (Level) -> Void
    private var last: WorkerLoad?
    private var lastAt = Instant.zero
    private(set) var level = Level.normal
    /// Processor time in percent of one core, since the last look.
    private(set) var processor = 0.0
    private var timer = TimerID.none

    /// - rose: hears each level once, when it is reached.
    init(
        _ meter: any WorkerMeter, metrics: AgentMetrics, loop: EventLoop,
        rose: @escaping (Level) -> Void
    ) {
        self.meter = meter
        self.metrics = metrics
        self.loop = loop
        self.rose = rose
    }

    func start() { look(at: loop.now) }
    func stop() { loop.cancel(timer) }

    func timerFired(token: UInt64, now: Instant) { look(at: now) }

    private func look(at now: Instant) {
        timer = loop.schedule(self, at: now + Self.interval)
        guard let load = meter.sample() else { return }
        metrics.set(.memory, ["worker"], to: Double(load.memory))
        if let limit = load.memoryLimit { metrics.set(.memory, ["limit"], to: Double(limit)) }
        if let last, now > lastAt {
            processor =
                Double(load.processorNanoseconds - last.processorNanoseconds)
                / Double((now - lastAt).nanoseconds) * 100
            metrics.set(.cpu, ["worker"], to: processor)
        }
        last = load
        lastAt = now
        let reached = Self.level(of: load)
        guard reached > level else { return }
        level = reached
        rose(reached)
    }

    static func level(of load: WorkerLoad) -> Level {
        guard let limit = load.memoryLimit, limit > 0 else { return .normal }
        let share = Double(load.memory) / Double(limit)
        return share >= 0.85 ? .critical : share >= 0.8 ? .high : .normal
    }
}
