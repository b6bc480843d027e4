import UproarRuntime

/// The memory of a simulated process: what it has by itself, and what a fault adds or takes.
package final class SimulatedMeter: WorkerMeter {
    /// What an agent without calls uses, and each call.
    package var base: Int64 = 60 << 20
    package var perCall: Int64 = 1 << 20
    package var calls: () -> Int = { 0 }
    /// Held by somebody else under the same limit.
    package var pressure: Int64 = 0
    package var limit: Int64

    /// - limit: of the worker, in bytes.
    package init(limit: Int64 = 4 << 30) { self.limit = limit }

    package var used: Int64 { base + perCall * Int64(calls()) + pressure }

    package func sample() -> WorkerLoad? {
        // A simulated worker has no processor time: turns take none.
        WorkerLoad(memory: min(used, limit), memoryLimit: limit, processorNanoseconds: 0)
    }
}
