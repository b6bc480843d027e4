import UproarCore
import UproarProviders

/// `requests.jsonl` of a run: what the agent asked of the emulators, a line as each request ends. The same in both worlds.
///
/// Bounded: after `limit` lines the rest is counted, and the last line says how many are missing.
package final class RequestFile {
    /// Some 60 MB.
    package static let limit = 200_000
    /// Before the first due arrival, while times cannot be told from it.
    private static let earlyLimit = 10_000
    private static let bufferSize = 32 << 10

    private let folder: RunFolder
    private let key: ReferenceKey
    private let prices: PriceBook
    private var origin: Instant?
    private var early: [ProviderRequest] = []
    private var buffer: [UInt8] = []
    private var count = 0
    private(set) var leftOut = 0

    package init(folder: RunFolder, seed: Seed, prices: PriceBook) {
        self.folder = folder
        self.prices = prices
        key = ReferenceKey(seed)
    }

    /// The first due arrival, on the clock that requests come with.
    func began(at origin: Instant) {
        self.origin = origin
        let waiting = early
        early = []
        for request in waiting { take(request) }
    }

    func take(_ request: ProviderRequest) {
        guard let origin else {
            guard early.count < Self.earlyLimit else {
                leftOut += 1
                return
            }
            return early.append(request)
        }
        guard count < Self.limit else {
            leftOut += 1
            return
        }
        count += 1
        append(
            request.line(
                since: origin, words: { [key] in Proquint.words(key.wire($0)) }, prices: prices))
        if buffer.count >= Self.bufferSize { flush() }
    }

    /// As another process sends them. - shift: added to their times.
    func take(messages: JSONValue, shiftedBy shift: Duration) {
        for message in messages.items ?? [] {
            guard var request = ProviderRequest(message: message) else { continue }
            if shift != .zero { request.shift(by: shift) }
            take(request)
        }
        flush()
    }

    /// No more will come.
    func finish() {
        leftOut += early.count
        early = []
        if leftOut > 0 { append(["left_out": JSONValue(leftOut)]) }
        flush()
        // Nobody asked anything: the file says so by being there.
        if count == 0 { folder.appendRequests([]) }
    }

    private func append(_ line: JSONValue) {
        line.write(into: &buffer)
        buffer.append(UInt8(ascii: "\n"))
    }

    private func flush() {
        guard !buffer.isEmpty else { return }
        folder.appendRequests(buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}

extension ProviderRequest {
    fileprivate mutating func shift(by shift: Duration) {
        at = at + shift
        end = end + shift
        first = first.map { $0 + shift }
    }
}
