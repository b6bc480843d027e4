import UproarCore
import UproarRuntime
import UproarWire

/// One vendor's API as a server: what `EmulatorListener` hands requests to.
package protocol EmulatedService: AnyObject {
    var provider: ProviderID { get }
    /// Whose operation this is: one address may serve several providers.
    func provider(of request: HTTPRequestHead) -> ProviderID
    /// A whole request. Answers it on `connection` at once, or later; then it returns who hears that the peer went away.
    func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)?
    /// A request to speak WebSocket. Accepts it (`acceptUpgrade`) and returns who takes the messages, or refuses it
    /// (`respond`) and returns nil.
    func upgrade(_ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection)
        -> (any EmulatedSession)?
    /// Answers with this status in the vendor's error shape.
    func refuse(
        _ request: HTTPRequestHead, status: Int, retryAfter: Duration?, at instant: Instant,
        on connection: EmulatorConnection)
    /// Answers as if all had gone well and there were nothing to say.
    func answerEmpty(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection)
    /// What the vendor says inside an answer that fails on the way: a message on a WebSocket, bytes of a body; nothing when it
    /// has no words for it.
    func failure(_ request: HTTPRequestHead, status: Int) -> [UInt8]
    /// Where the content stands in what answers this request.
    func dialect(of request: HTTPRequestHead) -> AnswerDialect
    /// The utterance a request belongs to, where it can be told from the request; asked only while faults are armed.
    func reference(of request: HTTPRequestHead, body: [UInt8]) -> TurnReference?
    /// A fault keeps this request of this utterance from being answered: it was made all the same.
    func missed(_ request: HTTPRequestHead, reference: TurnReference, at instant: Instant)
}

extension EmulatedService {
    package func provider(of request: HTTPRequestHead) -> ProviderID { provider }

    package func answerEmpty(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) {
        connection.respond(status: 200)
    }

    package func failure(_ request: HTTPRequestHead, status: Int) -> [UInt8] { [] }

    package func dialect(of request: HTTPRequestHead) -> AnswerDialect {
        switch provider(of: request) {
        case .openai: AnswerDialect(content: .events([#""content":""#, #""arguments":""#]))
        case .anthropic: AnswerDialect(content: .events([#""text":""#, #""partial_json":""#]))
        case .deepgram, .assemblyai: AnswerDialect(content: .messages(#""transcript":""#))
        case .cartesia:
            AnswerDialect(
                content: request.segments.last == "bytes"
                    ? .all : .messages(#""type":"chunk""#))
        case .elevenlabs:
            AnswerDialect(
                content: request.segments.last?.hasSuffix("input") == true
                    ? .messages(#""audio":""#) : .all)
        default: AnswerDialect(content: .all)
        }
    }

    package func reference(of request: HTTPRequestHead, body: [UInt8]) -> TurnReference? { nil }

    package func missed(
        _ request: HTTPRequestHead, reference: TurnReference, at instant: Instant
    ) {}
}

/// An answer that is not finished yet.
package protocol EmulatedReply: AnyObject {
    /// The peer closed the connection; nothing can be sent any more.
    func peerLeft(at instant: Instant)
}

/// One open WebSocket.
package protocol EmulatedSession: AnyObject {
    func received(text: RawSpan, at instant: Instant)
    func received(binary: RawSpan, at instant: Instant)
    /// Only where the connection passes them on (`passesPings`).
    func received(ping: [UInt8], at instant: Instant)
    func received(pong: [UInt8], at instant: Instant)
    /// Called once, last: the peer closed (or answered our close), or its stream ended.
    func closed(_ code: WebSocketCloseCode, at instant: Instant)
}

extension EmulatedSession {
    package func received(ping: [UInt8], at instant: Instant) {}
    package func received(pong: [UInt8], at instant: Instant) {}
}
