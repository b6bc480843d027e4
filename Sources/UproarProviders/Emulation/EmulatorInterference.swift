import UproarCore
import UproarFaults

/// Decides what goes wrong on purpose at an emulator. Decisions only: `EmulatorConnection` carries them out, the same for
/// every vendor.
package protocol EmulatorInterference: AnyObject {
    /// Asked once for each upgrade and request, before the vendor's own rules; and for each piece of what is sent.
    func verdict(on passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict
    /// What becomes of a stream that is open when something changed, or turned out to belong to a call: `.pass`, `.freeze` or
    /// `.close`. Its answer from here on is another one.
    func verdict(onOpen passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict
    /// Added to a provider's own time to its first content.
    func extraLatency(on passage: EmulatorPassage, at now: Instant) -> Duration
    /// What a store makes of what it is given; none: what it should.
    func defects(of operation: StorageOperation, on passage: EmulatorPassage, at now: Instant)
        -> [StorageDefect]
}

extension EmulatorInterference {
    package func verdict(onOpen passage: EmulatorPassage, at now: Instant) -> EmulatorVerdict {
        .pass
    }
    package func extraLatency(on passage: EmulatorPassage, at now: Instant) -> Duration { .zero }
    package func defects(
        of operation: StorageOperation, on passage: EmulatorPassage, at now: Instant
    ) -> [StorageDefect] { [] }
}

/// One thing that is about to happen at an emulator.
package struct EmulatorPassage: Hashable, Sendable {
    package var provider: ProviderID
    package var kind: Kind
    /// Of the upgrade or the request, from 1, within the provider; pieces have that of what they answer.
    package var ordinal: UInt64
    /// The call it belongs to, as far as its references have told.
    package var call: UInt32?
    /// The utterance it belongs to, where it can be told.
    package var reference: TurnReference?
    /// `path`, `method`, `model` of the request.
    package var fields: [FaultScope.Condition] = []
    /// The bytes of a piece.
    package var payload: [UInt8] = []
    /// What content is in it.
    package var dialect = AnswerDialect(content: .all)
    package var isWebSocket = false
    /// What the client showed as its API key.
    package var key: String?

    package init(
        provider: ProviderID, kind: Kind, ordinal: UInt64, call: UInt32? = nil, key: String? = nil
    ) {
        self.key = key
        self.provider = provider
        self.kind = kind
        self.ordinal = ordinal
        self.call = call
    }

    package enum Kind: Hashable, Sendable {
        /// A client wants to speak WebSocket.
        case upgrade
        /// A request is whole.
        case request
        /// A message on a WebSocket, or a piece of a streamed answer's body, is about to be sent; counted from 0.
        case piece(Int)
    }
}

/// What becomes of a passage.
package enum EmulatorVerdict: Hashable, Sendable {
    case pass
    /// Upgrades and requests: answered with this status in the vendor's error shape.
    case refuse(status: Int, retryAfter: Duration?)
    /// The connection is reset; of a piece, half leaves before.
    case reset
    /// Accepted and then left without any answer.
    case mute
    /// Looked at only after this time; a piece, and all after it, leave so much later.
    case delay(Duration)
    /// Upgrades: accepted, then closed with this code. Pieces on a WebSocket: closed instead. Elsewhere the stream ends
    /// early, in order.
    case close(UInt16, reason: String)
    /// Requests: success in the vendor's shape, with nothing in it.
    case empty
    /// Pieces: this one and all after it never leave; the connection stays, and pings are answered.
    case stall
    /// Pieces: as `stall`, with a sign of life (a comment in an event stream, a ping) each time.
    case keepAlive(every: Duration)
    /// Pieces: its bytes are spoilt, so that no reader can make sense of them.
    case garble
    /// Pieces: left out.
    case drop
    /// Pieces: an error in the vendor's shape in its place; the answer ends with it.
    case fail(status: Int)
    /// Nothing is read, sent or ponged any more, and the connection stays up.
    case freeze
    /// Pieces: other bytes in its place; none leave it out.
    case replace([UInt8])
    /// Pieces: sent twice.
    case twice
    /// Pieces: the stream ends in the middle, without the answer's end.
    case cut
    /// Upgrades and requests: not even accepted.
    case hang
    /// Upgrades and requests: refused with all that may be said about it.
    case refusal(EmulatorRefusal)
    /// Pieces: an error in the vendor's shape in its place; the answer goes on.
    case slip(status: Int)
}

/// A refusal in the vendor's error shape.
package struct EmulatorRefusal: Hashable, Sendable {
    package var status: Int
    package var retryAfter: Duration?
    /// `Retry-After` as an HTTP date.
    package var isDated = false
    package var after = Duration.zero

    package init(status: Int) { self.status = status }
}

extension EmulatorVerdict {
    /// The request will have no answer worth the name.
    var refuses: Bool {
        switch self {
        case .refuse, .refusal, .reset, .mute, .stall, .keepAlive, .close, .fail, .hang, .freeze,
            .cut:
            true
        case .pass, .delay, .empty, .garble, .drop, .replace, .twice, .slip: false
        }
    }
}
