import UproarCore
import UproarWire

/// `retry-after` as most vendors send it: whole seconds, rounded up, so that who obeys is not too early.
enum RetryAfterField {
    static func headers(_ wait: Duration?) -> HTTPHeaders {
        guard let wait else { return [:] }
        let seconds = (wait.nanoseconds + 999_999_999) / 1_000_000_000
        return ["retry-after": String(max(0, seconds))]
    }
}
