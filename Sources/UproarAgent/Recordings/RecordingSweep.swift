import UproarCore
import UproarRuntime

/// Deletes recordings that have been kept long enough, once a day. Their names say when they were made, so that nothing has to be read.
/// Several workers may sweep at once: what is gone is gone.
package final class RecordingSweep {
    static let every = Duration.seconds(86_400)
    private static let first = Duration.seconds(60)

    private let store: any ObjectStore
    private let keepDays: Int
    private let loop: EventLoop
    private let unixTime: () -> Int64
    private let expired: (RecordingName) -> Void
    private var timer = TimerID.none

    package init(
        _ store: any ObjectStore, keepDays: Int, loop: EventLoop,
        unixTime: @escaping () -> Int64, expired: @escaping (RecordingName) -> Void
    ) {
        self.store = store
        self.keepDays = keepDays
        self.loop = loop
        self.unixTime = unixTime
        self.expired = expired
    }

    func start() { schedule(after: Self.first) }
    func stop() { loop.cancel(timer) }

    private func schedule(after time: Duration) {
        timer = loop.schedule(at: loop.now + time) { [weak self] in
            self?.sweep { _ in self?.schedule(after: Self.every) }
        }
    }

    /// One round; `then` hears how many were deleted, or what stopped it.
    package func sweep(then: @escaping (Result<Int, ProviderFailure>) -> Void) {
        let limit = RecordingName.date(unixTime() - Int64(keepDays) * 86_400)
        page(after: nil, olderThan: limit, deleted: 0, then: then)
    }

    private func page(
        after: String?, olderThan limit: String, deleted: Int,
        then: @escaping (Result<Int, ProviderFailure>) -> Void
    ) {
        store.list(prefix: RecordingName.folder, after: after) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): then(.failure(failure))
            case .success(let objects):
                guard let last = objects.last else { return then(.success(deleted)) }
                let old = objects.compactMap { RecordingName(key: $0.key) }
                    .filter { $0.date < limit }
                delete(old[...], deleted: deleted) { [weak self] result in
                    switch result {
                    case .failure(let failure): then(.failure(failure))
                    case .success(let deleted):
                        self?.page(
                            after: last.key, olderThan: limit, deleted: deleted, then: then)
                    }
                }
            }
        }
    }

    private func delete(
        _ names: ArraySlice<RecordingName>, deleted: Int,
        then: @escaping (Result<Int, ProviderFailure>) -> Void
    ) {
        guard let name = names.first else { return then(.success(deleted)) }
        store.delete(name.key) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): then(.failure(failure))
            case .success:
                expired(name)
                delete(names.dropFirst(), deleted: deleted + 1, then: then)
            }
        }
    }
}
