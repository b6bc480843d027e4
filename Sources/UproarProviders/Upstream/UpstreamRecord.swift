import UproarCore
import UproarRuntime

/// What is known of one exchange with a real vendor, from the side of the relay. Times are measured here, in this process: from
/// when the request was whole (for a WebSocket: from when it was asked for).
package struct UpstreamRecord: Hashable, Sendable {
    package var provider: ProviderID
    package var isWebSocket: Bool
    /// Without its query, which may hold a key.
    package var path: String
    package var begunAt: Instant
    /// Until the connection stood, TLS included; nil where one was there already, or none came about.
    package var connect: Duration?
    /// Until the head of the answer, or the accepted upgrade.
    package var firstByte: Duration?
    /// Until the first piece or message that carries content; for a WebSocket from its opening.
    package var firstContent: Duration?
    package var end: Duration?
    /// Of the answer, or 101; nil when there was none.
    package var status: Int?
    /// Messages, or pieces of a body: to the vendor and back.
    package var sent = 0
    package var received = 0
    package var bytesSent = 0
    package var bytesReceived = 0
    /// Between two pieces of the answer, the longest.
    package var longestGap: Duration?
    /// The utterance, where what passed tells: a model's request, a voice's text, a recogniser's audio. Of a WebSocket the first.
    package var reference: TurnReference?
    /// The run ended first.
    package var isOpen = false
    /// Why it went wrong.
    package var failure: String?

    package init(provider: ProviderID, isWebSocket: Bool, path: String, begunAt: Instant) {
        self.provider = provider
        self.isWebSocket = isWebSocket
        self.path = path
        self.begunAt = begunAt
    }

    private var last: Instant?

    mutating func took(_ count: Int, at now: Instant) {
        received += 1
        bytesReceived += count
        if let last { longestGap = max(longestGap ?? .zero, now - last) }
        last = now
    }

    /// One line of `upstream.jsonl`.
    ///
    /// - words: a reference as the conversation has it.
    package func json(words: (TurnReference) -> String) -> JSONValue {
        func milliseconds(_ time: Duration?) -> JSONValue {
            time.map { .number(Double($0.nanoseconds / 1000) / 1000) } ?? .null
        }
        var members: [JSONValue.Member] = [
            .init("provider", .string(provider.name)),
            .init("kind", isWebSocket ? "websocket" : "request"), .init("path", .string(path)),
            .init("at_ms", milliseconds(begunAt - .zero)),
            .init("connect_ms", milliseconds(connect)),
            .init("first_byte_ms", milliseconds(firstByte)),
            .init("first_content_ms", milliseconds(firstContent)),
            .init("end_ms", milliseconds(end)),
            .init("longest_gap_ms", milliseconds(longestGap)),
            .init("status", status.map { JSONValue($0) } ?? .null), .init("sent", JSONValue(sent)),
            .init("received", JSONValue(received)), .init("bytes_sent", JSONValue(bytesSent)),
            .init("bytes_received", JSONValue(bytesReceived)),
        ]
        if let reference {
            members += [
                .init("call", .integer(Int64(reference.call))),
                .init("utterance", .integer(Int64(reference.utterance))),
                .init("reference", .string(words(reference))),
            ]
        }
        if isOpen { members.append(.init("open", true)) }
        members.append(.init("failure", JSONValue(failure)))
        return .object(members)
    }
}
