import Glibc
import UproarCore
import UproarRuntime
import UproarWire

/// How a call ends when its stream does, for every transport over a stream.
extension CallMediaEnd {
    private static let reasonLimit = 240

    static func refusal(_ refusal: WebSocketRefusal) -> CallMediaEnd {
        let line = refusal.body.prefix { $0 != 0x0a && $0 != 0x0d }.prefix(reasonLimit)
        return .refused(
            status: refusal.head.status, reason: String(decoding: line, as: UTF8.self))
    }

    /// The stream closed before the agent had answered.
    static func refusal(_ reason: CloseReason) -> CallMediaEnd {
        switch reason {
        case .unreachable(ETIMEDOUT): .noAnswer
        case .untrusted: .untrusted(reason.words)
        default: .unreachable(reason.words)
        }
    }
}

extension CloseReason {
    /// For people.
    var words: String {
        switch self {
        case .closed, .ended: "the stream ended without an answer"
        case .failed(let errno): "the stream broke: \(Self.describe(errno))"
        case .unreachable(let errno): "cannot connect: \(Self.describe(errno))"
        case .unknownHost: "the host's name does not resolve"
        case .tls(let words), .untrusted(let words): "TLS failed: \(words)"
        case .queueOverflow: "the agent stopped reading"
        }
    }

    private static func describe(_ code: Int32) -> String { String(cString: strerror(code)) }
}
