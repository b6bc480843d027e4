import UproarCore
import UproarProviders

/// Requests that have ended in the emulators' process, until the run's process takes them.
struct RequestOutbox {
    /// The run takes them every 50 ms; one that does not take any must not fill this process.
    private static let limit = 50_000
    /// One message of them: a few hundred KB of the 4 MiB that a control frame holds.
    private static let batch = 1_000

    private var waiting: [ProviderRequest] = []
    private(set) var leftOut = 0

    mutating func put(_ request: ProviderRequest) {
        guard waiting.count < Self.limit else {
            leftOut += 1
            return
        }
        waiting.append(request)
    }

    /// Nil when there is nothing to tell.
    mutating func take() -> JSONValue? {
        guard !waiting.isEmpty else { return nil }
        let batch = waiting.prefix(Self.batch)
        let message = JSONValue.array(batch.map(\.message))
        waiting.removeFirst(batch.count)
        return message
    }
}
