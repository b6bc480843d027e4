/// Reads what a worker uses of its machine, and what it may use.
package protocol WorkerMeter: AnyObject {
    /// Nil when it cannot be known.
    func sample() -> WorkerLoad?
}

package struct WorkerLoad: Hashable, Sendable {
    /// Bytes that count against the limit.
    package var memory: Int64
    /// Nil: none.
    package var memoryLimit: Int64?
    /// Processor time of the process since it began.
    package var processorNanoseconds: Int64

    package init(memory: Int64, memoryLimit: Int64?, processorNanoseconds: Int64) {
        self.memory = memory
        self.memoryLimit = memoryLimit
        self.processorNanoseconds = processorNanoseconds
    }
}
