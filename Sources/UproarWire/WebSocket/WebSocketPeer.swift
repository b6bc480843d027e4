import UproarCore

/// One end of an open WebSocket: decoder, encoder, pongs and the closing handshake (RFC 6455 §5.5.1, §7).
///
/// Everything to be sent is appended to the buffer that is handed in.
package struct WebSocketPeer: ~Copyable {
    private let role: WebSocketRole
    private var decoder: WebSocketDecoder
    /// Mask keys need only differ from frame to frame here: no proxy is to be protected from a hostile script (§10.3).
    private var masks: RandomStream
    private var hasSentClose = false
    /// Whether pings are answered. Off makes this end look dead to a peer that watches for pongs.
    package var answersPings = true
    /// Both sides have said close, or one broke the protocol: flush the output, then close the stream.
    package private(set) var isOver = false

    /// `random` gives the mask keys of a client; a server draws nothing.
    package init(
        role: WebSocketRole, random: RandomStream,
        messageLimit: Int = WebSocketDecoder.defaultMessageLimit
    ) {
        self.role = role
        masks = random
        decoder = WebSocketDecoder(role: role, messageLimit: messageLimit)
    }

    package mutating func receive(_ bytes: RawSpan) { decoder.receive(bytes) }

    /// As `WebSocketDecoder.wholeText`.
    package func wholeText(_ bytes: RawSpan) -> Range<Int>? {
        isOver ? nil : decoder.wholeText(bytes)
    }

    /// As `WebSocketDecoder.wholeMessage`.
    package func wholeMessage(_ bytes: RawSpan, into buffer: inout [UInt8])
        -> WebSocketDecoder.WholeMessage?
    {
        isOver ? nil : decoder.wholeMessage(bytes, into: &buffer)
    }

    /// The next event, or nil when more bytes are needed. Pongs and the answer to a close are appended to `output`.
    package mutating func next(into output: inout [UInt8]) -> WebSocketEvent? {
        guard !isOver, let event = decoder.next() else { return nil }
        switch event {
        case .text, .binary, .pong: break
        case .ping:
            if answersPings, !hasSentClose {
                let mask = mask()
                decoder.withPayload {
                    WebSocketFrame.encode(.pong, $0, mask: mask, into: &output)
                }
            }
        case .close(let code):
            close(code, into: &output)
            isOver = true
        case .failed(let error):
            close(error.closeCode, reason: error.description, into: &output)
            isOver = true
        }
        return event
    }

    /// The bytes of the latest event.
    package borrowing func withPayload<Result, Failure>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try decoder.withPayload(body)
    }

    package var payloadText: String { decoder.payloadText }
    package var payloadBytes: [UInt8] { decoder.payloadBytes }

    /// Whether messages may still be sent: no close was sent and none came.
    package var isOpen: Bool { !hasSentClose && !isOver }

    /// Appends a frame. Once a close was sent nothing may follow it (§5.5.1), so a late one is dropped.
    package mutating func send(
        _ opcode: WebSocketOpcode, _ payload: RawSpan, into output: inout [UInt8]
    ) {
        guard isOpen else { return }
        WebSocketFrame.encode(opcode, payload, mask: mask(), into: &output)
    }

    /// The same with a payload of `count` bytes that `body` appends itself.
    package mutating func send(
        _ opcode: WebSocketOpcode, count: Int, into output: inout [UInt8],
        _ body: (inout [UInt8]) -> Void
    ) {
        guard isOpen else { return }
        WebSocketFrame.encode(opcode, count: count, mask: mask(), into: &output, body)
    }

    /// Starts or answers the closing handshake; a second close is dropped. A reason longer than a frame holds is cut at
    /// a character. `absent` closes without a code.
    package mutating func close(
        _ code: WebSocketCloseCode, reason: String = "", into output: inout [UInt8]
    ) {
        guard isOpen else { return }
        var payload: [UInt8] = []
        if code != .absent {
            payload = [UInt8(code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)]
            for scalar in reason.unicodeScalars {
                guard payload.count + UTF8.width(scalar) <= WebSocketFrame.controlLimit else {
                    break
                }
                payload.append(contentsOf: String(scalar).utf8)
            }
        }
        WebSocketFrame.encode(.close, payload.span.bytes, mask: mask(), into: &output)
        hasSentClose = true
    }

    private mutating func mask() -> UInt32? {
        role == .client ? UInt32(truncatingIfNeeded: masks.next()) : nil
    }
}
