import UproarCore
import UproarRuntime

/// What a server says to a request that is answered whole: its status, how long it asks to wait, and the beginning of its body.
struct HTTPAnswer {
    /// Bytes of the body that are kept; what is more is dropped.
    let limit: Int
    private(set) var status = 0
    private var retryAfter: Duration?
    private(set) var body: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    mutating func begin(status: Int, headers: [HTTPField]) {
        self.status = status
        retryAfter = RetryAfter.read(headers)
    }

    mutating func receive(_ bytes: RawSpan) {
        let room = limit - body.count
        bytes.withUnsafeBytes { body.append(contentsOf: $0.prefix(room)) }
    }

    /// As a refusal, with what was said of it.
    var refusal: ProviderFailure {
        .refused(
            status: status, body: String(decoding: body.prefix(Self.saidLimit), as: UTF8.self),
            retryAfter: retryAfter)
    }

    /// The longest reason that is passed on.
    private static let saidLimit = 64 << 10
}
