import UproarCore

/// A way to call an agent: dials calls on one loop.
package protocol CallTransport: AnyObject {
    /// What its frames hold, both ways.
    var format: AudioFormat { get }
    /// Makes the wire form of 20 ms frames once, to be shared by all calls of the loop.
    ///
    /// `frames` holds whole frames of `format.bytesPerFrame` bytes, one after another.
    func prepare(_ frames: [UInt8]) -> any PreparedAudio
    /// The same of a picture that callers show; nil where the transport carries none.
    func prepare(_ picture: Picture) -> (any PreparedPicture)?
    /// Starts a call; the handler hears of it on the loop, never before this returns.
    func dial(_ setup: CallSetup, handler: any CallMediaHandler) -> any CallMedia
}

/// Frames in the wire form of one transport.
package protocol PreparedAudio: AnyObject {
    var frameCount: Int { get }
    /// The frame's samples in the transport's format, as handed in.
    func samples(ofFrame frame: Int) -> ArraySlice<UInt8>
}

/// A picture in the wire form of one transport.
package protocol PreparedPicture: AnyObject {}

package struct CallSetup: Sendable {
    package var call: UInt32
    /// From the dial to the answer.
    package var limit: Duration
    /// Custom parameters of the stream (`session_id`, `user_id`, …), in order.
    package var parameters: [HTTPField]
    package init(call: UInt32, limit: Duration = .seconds(10), parameters: [HTTPField] = []) {
        self.call = call
        self.limit = limit
        self.parameters = parameters
    }
}

/// One call as its caller holds it.
package protocol CallMedia: AnyObject {
    /// Sends one prepared frame now.
    func send(_ audio: any PreparedAudio, frame: Int)
    func send(digit: Character)
    /// Shows a picture that the call's own transport has prepared.
    func show(_ picture: any PreparedPicture)
    /// Ends the call in order (`stop`, then close). The handler's `ended` follows.
    func hangUp()
    var sentByteCount: Int { get }
    var receivedByteCount: Int { get }
    /// The port that its stream was dialled from; 0 while there is none.
    var localPort: UInt16 { get }
    /// What `send` needs.
    var memory: [MemoryPart] { get }
}

extension CallMedia {
    package var memory: [MemoryPart] { [] }
    package var localPort: UInt16 { 0 }
}

package protocol CallMediaHandler: AnyObject {
    /// What `heard` needs.
    var hearingMemory: MemoryPart { get }
    /// The agent accepted the call and the stream has been started.
    func answered(at: Instant)
    /// Agent audio in the transport's format, any whole number of samples, which plays at the ear from `playsAt` on
    /// (unless `cleared` comes first). `arrivedAt` is its socket read.
    func heard(_ audio: RawSpan, playsAt: Instant, arrivedAt: Instant)
    /// The agent emptied the playout buffer: what had not been played by `at` is never heard.
    func cleared(at: Instant)
    /// The agent showed text instead of speaking it.
    func shown(_ text: String, at: Instant)
    /// The agent did what its protocol does not allow, and the call goes on. At most once per call and text; a text is the same in
    /// every call that it concerns, so that calls can be counted by it.
    func remarked(_ text: String, at: Instant)
    /// The call is over. Called once, last.
    func ended(_ end: CallMediaEnd, at: Instant)
}

extension CallMediaHandler {
    package var hearingMemory: MemoryPart { .none }
}

package enum CallMediaEnd: Hashable, Sendable {
    /// We hung up.
    case hungUp
    /// The agent closed the stream in order.
    case closedByAgent(code: Int)
    /// The stream broke.
    case broken(String)
    /// No answer: an HTTP status other than 101, and the first line of what was said with it.
    case refused(status: Int, reason: String = "")
    /// No answer: nothing listens, no name, TLS, or an answer that is no HTTP.
    case unreachable(String)
    /// No answer: the agent's certificate did not pass the check.
    case untrusted(String)
    /// No answer within the set-up limit.
    case noAnswer
    /// No answer, of the webhook that was asked first where the call's audio goes.
    case unhooked(WebhookProblem)
}

/// Why a webhook did not say where a call's audio goes.
package struct WebhookProblem: Hashable, Sendable {
    /// Without its query, which may hold a key.
    package var url: String
    /// HTTP status other than 2xx and a redirect that was followed; nil: it never answered.
    package var status: Int?
    /// The first words of what it said.
    package var words: String

    package init(url: String, status: Int?, words: String = "") {
        self.url = url
        self.status = status
        self.words = words
    }
}
