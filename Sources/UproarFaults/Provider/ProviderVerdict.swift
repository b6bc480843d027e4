import UproarCore

/// What becomes of a request or a connection that begins at a provider.
package enum ProviderVerdict: Hashable, Sendable {
    case pass
    /// An answer with this status in the vendor's error shape, `after` a while; `retryAfter` as the vendor says it.
    case refuse(status: Int, retryAfter: RetryAfter = .none, after: Duration = .zero)
    /// The connection is reset.
    case reset
    /// Accepted and then left without any answer.
    case mute
    /// Not even accepted: an upgrade or a request that nothing answers.
    case hang
    /// The head of the answer, and nothing after it.
    case headOnly
    /// Accepted, then closed with this code.
    case close(code: UInt16)

    package enum RetryAfter: Hashable, Sendable {
        case none
        case seconds(Int)
        /// As an HTTP date, which few clients read.
        case date(Int)
    }
}

/// How an answer that was accepted goes wrong on its way out. Positions count chunks (messages, events or pieces of a body) with
/// content, bytes of them, or time since its beginning.
package enum AnswerShape: Hashable, Sendable {
    /// Nothing goes out for this long from the position on; nil: never again, with the connection open.
    case stall(after: Position, for: Duration?)
    case cut(after: Position, how: Cut)
    /// Neither reads, writes nor answers pings any more, with TCP up.
    case halfOpen(after: Position)
    /// Nothing but keep-alives, one each interval.
    case keepAliveOnly(Duration)
    /// Begins and ends in order, without content.
    case empty
    /// Ends in order after so much content.
    case truncated(after: Position)
    /// The vendor's error message in the stream; then its end, or on it goes.
    case error(after: Position, ends: Bool)
    case malformed(Malformation)
    case duplicate(Chance)
    /// At least so long between one chunk and the next.
    case pace(Distribution)
    /// The first content later by this; for providers that do not count it into their own latency.
    case hold(Duration)
    case audio(AudioDefect)

    package enum Position: Hashable, Sendable {
        case chunks(Int)
        case bytes(Int)
        case time(Duration)

        package func isReached(chunks: Int, bytes: Int, time: Duration) -> Bool {
            switch self {
            case .chunks(let limit): chunks >= limit
            case .bytes(let limit): bytes >= limit
            case .time(let limit): time >= limit
            }
        }
    }

    package enum Cut: Hashable, Sendable {
        /// The stream ends in order, in the middle of the answer.
        case fin
        case reset
        /// A close frame with this code; on HTTP as `fin`.
        case close(UInt16)
    }

    package enum Malformation: String, CaseIterable, Hashable, Sendable {
        case badJSON = "bad_json"
        case splitUTF8 = "split_utf8"
        case badFraming = "bad_framing"
        case badBase64 = "bad_base64"
        case missingField = "missing_field"
        case oversized
    }

    package enum AudioDefect: String, CaseIterable, Hashable, Sendable {
        case silence
        case clipping
        case swapped = "swapped_bytes"
        case halfRate = "half_rate"
        case noise
    }
}
