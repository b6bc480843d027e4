import UproarCore
import UproarRuntime
import UproarWire

/// One vendor's API as a server: what `EmulatorListener` hands requests to.
package protocol EmulatedService: AnyObject {
    var provider: ProviderID { get }
    /// A whole request. Answers it on `connection` at once, or later; then it returns who hears that the peer went away.
    func answer(
        _ request: HTTPRequestHead, body: [UInt8], at instant: Instant,
        on connection: EmulatorConnection
    ) -> (any EmulatedReply)?
    /// A request to speak WebSocket. Accepts it (`acceptUpgrade`) and returns who takes the messages, or refuses it
    /// (`respond`) and returns nil.
    func upgrade(_ request: HTTPRequestHead, at instant: Instant, on connection: EmulatorConnection)
        -> (any EmulatedSession)?
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
    /// Called once, last: the peer closed (or answered our close), or its stream ended.
    func closed(_ code: WebSocketCloseCode, at instant: Instant)
}
