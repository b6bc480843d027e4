import Glibc
import UproarCore
import UproarStatistics

@testable import UproarCapacity

func exponential(_ x: Double) -> Double { exp(x) }

/// An agent as an M/G/c queue: calls bring turns at a rate each, `servers` serve them first come, first served.
///
/// Event by event: a turn starts when it has come and a server is free, whichever is later.
struct QueueAgent {
    var servers: Int
    /// Turns by call and second.
    var turnRate: Double
    /// Seconds a turn takes of a server.
    var service: @Sendable (inout RandomStream) -> Double

    /// Response times of `turns` turns at a load, after as many again to warm up.
    func responses(calls: Int, turns: Int, seed: UInt64) -> [Double] {
        var random = Seed(seed).stream("queue-agent", UInt64(calls))
        var free = Heap<Double>()
        for _ in 0..<servers { free.insert(0) }
        var now = 0.0
        var times: [Double] = []
        times.reserveCapacity(turns)
        for turn in 0..<2 * turns {
            now += -log(1 - random.unit()) / (Double(calls) * turnRate)
            let start = max(now, free.popFirst() ?? now)
            let end = start + service(&random)
            free.insert(end)
            if turn >= turns { times.append(end - now) }
        }
        return times
    }

    /// The search's own question: does the 95th percentile stay within `limit`?
    func holds(calls: Int, limit: Double, turns: Int, seed: UInt64) -> Bool {
        let times = responses(calls: calls, turns: turns, seed: seed).sorted()
        return times[Int(0.95 * Double(times.count))] <= limit
    }
}

/// The analytic reference for exponential service: Erlang's C formula and the response time that follows from it.
enum ErlangC {
    /// The chance that a turn must wait, at offered load `a` (in servers) on `c` servers.
    static func wait(_ a: Double, _ c: Int) -> Double {
        guard a < Double(c) else { return 1 }
        // Erlang B by its recursion, then C.
        var b = 1.0
        for n in 1...c { b = a * b / (Double(n) + a * b) }
        return b / (1 - a / Double(c) * (1 - b))
    }

    /// P(response > t) with service rate `mu` (Gross and Harris, "Fundamentals of Queueing Theory", M/M/c).
    static func exceeds(_ t: Double, rate lambda: Double, mu: Double, servers c: Int) -> Double {
        let a = lambda / mu
        guard a < Double(c) else { return 1 }
        let p = wait(a, c)
        let theta = Double(c) * mu - lambda
        // W = 0 with 1 − p, else exponential(theta); response = W + S.
        if abs(theta - mu) < 1e-12 { return exp(-mu * t) * (1 + p * mu * t) }
        return (1 - p) * exp(-mu * t)
            + p * (theta * exp(-mu * t) - mu * exp(-theta * t)) / (theta - mu)
    }

    /// The greatest number of calls at which no more than one turn in twenty takes longer than `limit`.
    static func capacity(turnRate: Double, mu: Double, servers: Int, limit: Double) -> Int {
        var calls = 0
        while exceeds(
            limit, rate: Double(calls + 1) * turnRate, mu: mu, servers: servers) <= 0.05
        { calls += 1 }
        return calls
    }
}
