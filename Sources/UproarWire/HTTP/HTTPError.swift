/// What a peer did against RFC 9112, or against our limits. The connection cannot go on after one.
package enum HTTPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The start line is not `METHOD target HTTP/1.x` or `HTTP/1.x status reason`.
    case startLineMalformed
    case versionUnsupported
    /// A header line that RFC 9112 §5 forbids: no colon, a blank before it, a folded line, a control character, a bare line feed.
    case fieldMalformed
    /// The head is longer than the limit (bytes).
    case headTooLong(limit: Int)
    case tooManyFields(limit: Int)
    /// Not exactly one Host (RFC 9112 §3.2).
    case hostMissing
    /// Content-Length is no number, comes twice, or comes with Transfer-Encoding: two readers might see two different bodies.
    case lengthAmbiguous
    /// A transfer coding other than `chunked`.
    case codingUnsupported
    /// The body is longer than the limit (bytes).
    case bodyTooLong(limit: Int)
    case chunkMalformed
    /// So many bytes came while an earlier request still awaited its answer.
    case waitingTooLong(limit: Int)
    /// The stream ended inside a message.
    case truncated

    /// The status to answer a bad request with.
    package var status: Int {
        switch self {
        case .startLineMalformed, .fieldMalformed, .hostMissing, .lengthAmbiguous,
            .chunkMalformed, .truncated:
            400
        case .versionUnsupported: 505
        case .headTooLong, .tooManyFields: 431
        case .codingUnsupported: 501
        case .bodyTooLong, .waitingTooLong: 413
        }
    }

    package var description: String {
        switch self {
        case .startLineMalformed: "the first line is not HTTP/1.1"
        case .versionUnsupported: "only HTTP/1.0 and HTTP/1.1 are spoken here"
        case .fieldMalformed: "a header line is malformed"
        case .headTooLong(let limit): "the head is longer than \(limit) bytes"
        case .tooManyFields(let limit): "the head has more than \(limit) fields"
        case .hostMissing: "an HTTP/1.1 request needs exactly one Host"
        case .lengthAmbiguous: "the length of the body is ambiguous"
        case .codingUnsupported: "only the transfer coding chunked is known"
        case .bodyTooLong(let limit): "the body is longer than \(limit) bytes"
        case .chunkMalformed: "a chunk is malformed"
        case .waitingTooLong(let limit):
            "more than \(limit) bytes came before the answer to what came earlier"
        case .truncated: "the stream ended inside a message"
        }
    }
}

/// How much of one message is read before it is refused.
package struct HTTPLimits: Hashable, Sendable {
    /// Start line and fields together; trailers have the same again.
    package var headBytes: Int
    package var fields: Int
    package var bodyBytes: Int
    /// Of what a peer sends on while a request of its awaits its answer.
    package var waitingBytes: Int

    package init(
        headBytes: Int = 64 << 10, fields: Int = 128, bodyBytes: Int = 64 << 20,
        waitingBytes: Int = 1 << 20
    ) {
        precondition(
            headBytes > 0 && fields > 0 && bodyBytes >= 0 && waitingBytes > 0,
            "limits are positive")
        self.waitingBytes = waitingBytes
        self.headBytes = headBytes
        self.fields = fields
        self.bodyBytes = bodyBytes
    }
}
