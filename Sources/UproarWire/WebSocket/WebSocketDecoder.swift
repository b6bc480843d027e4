import UproarCore

/// One thing a peer sent. Its bytes are in the decoder (`withPayload`) until the next call of `next()`.
package enum WebSocketEvent: Hashable, Sendable {
    /// A whole text message, checked to be UTF-8.
    case text
    /// A whole binary message.
    case binary
    case ping
    case pong
    /// The peer closes; `absent` when it gave no code. The payload is the reason (UTF-8). Nothing follows.
    case close(WebSocketCloseCode)
    /// The peer broke the protocol; the payload is empty. Nothing follows.
    case failed(WebSocketError)
}

/// Reads WebSocket frames (RFC 6455 §5) from bytes cut anywhere, joins fragments, and checks everything that can be checked.
///
///     decoder.receive(bytes)
///     while let event = decoder.next() { decoder.withPayload { … } }
///
/// Bytes are copied once, into one buffer, and unmasked in place; fragments move down to join. Once that
/// buffer is warm nothing is allocated. It never holds more than the message limit, a header, one control
/// frame and what was received and not yet taken.
package struct WebSocketDecoder: ~Copyable {
    package static let defaultMessageLimit = 16 << 20
    /// An idle decoder keeps no larger buffer than this, so that one big message does not cost for the rest of a call;
    /// several reads of a socket (64 KiB) fit, or it would be given back and taken again with each.
    private static let idleCapacity = 256 << 10

    private let role: WebSocketRole
    private let messageLimit: Int

    //   storage:  dead │ message so far │ dead │ not yet parsed
    //                  messageStart  messageEnd  cursor          count
    private var storage: [UInt8] = []
    private var messageStart = 0
    private var messageEnd = 0
    private var cursor = 0
    /// The bytes of the latest event.
    private var payload: Range<Int> = 0..<0
    /// What kind of message is unfinished.
    private var unfinished: WebSocketOpcode?
    private var utf8 = UTF8Check()
    private var isOver = false

    /// `role` is our own: a server demands masked frames, a client unmasked ones.
    package init(role: WebSocketRole, messageLimit: Int = defaultMessageLimit) {
        precondition(messageLimit > 0, "a message limit is positive")
        self.role = role
        self.messageLimit = messageLimit
    }

    /// Nothing more will come out: the peer closed or failed.
    package var isFinished: Bool { isOver }

    /// Takes bytes as they came from the stream. Ends the life of the latest event's payload.
    package mutating func receive(_ bytes: RawSpan) {
        guard !isOver else { return }
        payload = 0..<0
        makeRoom(for: bytes.byteCount)
        bytes.withUnsafeBytes { storage.append(contentsOf: $0) }
    }

    /// A whole text message in one unmasked frame at the front of `bytes`, when nothing waits here: where its payload lies, and
    /// it counts as taken. Nil for anything else, which `receive` and `next` are there for. Saves the copy of what a socket read.
    package func wholeText(_ bytes: RawSpan) -> Range<Int>? {
        guard role == .client, !isOver, cursor == storage.count, messageStart == messageEnd,
            unfinished == nil
        else { return nil }
        return bytes.withUnsafeBytes { bytes in
            guard bytes.count >= 2, bytes[0] == 0x80 | WebSocketOpcode.text.rawValue else {
                return nil
            }
            var start = 2
            var count = Int(bytes[1])
            if count == 126 {
                guard bytes.count >= 4 else { return nil }
                count = Int(bytes[2]) << 8 | Int(bytes[3])
                guard count > 125 else { return nil }
                start = 4
            }
            // With 127 or a mask it is another frame than an agent's media.
            guard count <= messageLimit, count <= bytes.count - start, bytes[1] < 127 else {
                return nil
            }
            var check = UTF8Check()
            let payload = start..<start + count
            guard check.accept(.init(rebasing: bytes[payload])), check.isComplete else {
                return nil
            }
            return payload
        }
    }

    /// What a server reads at once: a message in one masked frame.
    package struct WholeMessage {
        package var isText: Bool
        /// Bytes of payload, which lie at the front of the buffer that was handed in.
        package var count: Int
        /// Bytes of the stream that it took.
        package var taken: Int
    }

    /// The same for a server, of text and binary messages: the payload is unmasked into the front of `buffer` in the one copy that
    /// it needs, and counts as taken. Nil also for a message that is longer than the buffer.
    package func wholeMessage(_ bytes: RawSpan, into buffer: inout [UInt8]) -> WholeMessage? {
        guard role == .server, !isOver, cursor == storage.count, messageStart == messageEnd,
            unfinished == nil
        else { return nil }
        return buffer.withUnsafeMutableBytes { buffer in
            bytes.withUnsafeBytes { bytes in
                guard let source = bytes.baseAddress, let target = buffer.baseAddress,
                    bytes.count >= 6, bytes[0] == 0x81 || bytes[0] == 0x82, bytes[1] & 0x80 != 0
                else { return nil }
                var start = 2
                var count = Int(bytes[1] & 0x7f)
                if count == 126 {
                    count = Int(bytes[2]) << 8 | Int(bytes[3])
                    guard count > 125 else { return nil }
                    start = 4
                } else if count == 127 {
                    return nil
                }
                guard count <= messageLimit, count <= buffer.count,
                    start + 4 + count <= bytes.count
                else { return nil }
                let seen = WebSocketFrame.unmask(
                    source + start + 4, count: count,
                    key: (source + start).loadUnaligned(as: UInt32.self), to: target)
                let isText = bytes[0] == 0x81
                if isText, seen & 0x8080_8080_8080_8080 != 0 {
                    var check = UTF8Check()
                    guard check.accept(.init(rebasing: buffer[..<count])), check.isComplete else {
                        return nil
                    }
                }
                return WholeMessage(isText: isText, count: count, taken: start + 4 + count)
            }
        }
    }

    /// The next event, or nil when more bytes are needed.
    package mutating func next() -> WebSocketEvent? {
        payload = 0..<0
        while !isOver {
            guard let header = parseHeader() else { return nil }
            let frame: Header
            switch header {
            case .success(let good): frame = good
            case .failure(let error): return fail(error)
            }
            let start = cursor + frame.headerCount
            guard storage.count - start >= frame.count else { return nil }
            let end = start + frame.count
            if let mask = frame.mask {
                storage.withUnsafeMutableBytes {
                    WebSocketFrame.applyMask(mask, to: .init(rebasing: $0[start..<end]))
                }
            }
            cursor = end
            if frame.opcode.isControl { return control(frame.opcode, start..<end) }
            if let event = data(frame, start..<end) { return event }
        }
        return nil
    }

    /// The bytes of the latest event; `body` must not keep the span.
    package borrowing func withPayload<Result, Failure>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(storage.span.bytes.extracting(payload))
    }

    /// A copy of the payload as text; meant for text messages and close reasons, which are known to be UTF-8.
    package var payloadText: String { String(decoding: storage[payload], as: UTF8.self) }

    /// A copy of the payload.
    package var payloadBytes: [UInt8] { Array(storage[payload]) }
}

extension WebSocketDecoder {
    private struct Header {
        var opcode: WebSocketOpcode
        var isFinal: Bool
        var mask: UInt32?
        var headerCount: Int
        var count: Int
    }

    /// The header at the cursor: nil while it is not whole. Everything a header alone can break is checked here,
    /// before its payload is waited for.
    private func parseHeader() -> Result<Header, WebSocketError>? {
        let available = storage.count - cursor
        guard available >= 2 else { return nil }
        let first = storage[cursor]
        let second = storage[cursor + 1]
        guard first & 0x70 == 0 else { return .failure(.reservedBit) }
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0f) else {
            return .failure(.unknownOpcode(first & 0x0f))
        }
        let isFinal = first & 0x80 != 0
        let isMasked = second & 0x80 != 0
        if role == .server && !isMasked { return .failure(.maskMissing) }
        if role == .client && isMasked { return .failure(.maskPresent) }
        var count = Int(second & 0x7f)
        if opcode.isControl {
            guard isFinal else { return .failure(.controlFragmented) }
            guard count <= WebSocketFrame.controlLimit else { return .failure(.controlTooLong) }
        } else if opcode == .continuation {
            guard unfinished != nil else { return .failure(.nothingToContinue) }
        } else {
            guard unfinished == nil else { return .failure(.messageUnfinished) }
        }

        var headerCount = 2
        if count == 126 {
            guard available >= 4 else { return nil }
            count = Int(storage[cursor + 2]) << 8 | Int(storage[cursor + 3])
            guard count > 125 else { return .failure(.lengthMalformed) }
            headerCount = 4
        } else if count == 127 {
            guard available >= 10 else { return nil }
            var length: UInt64 = 0
            for index in 2..<10 { length = length << 8 | UInt64(storage[cursor + index]) }
            guard length > 0xffff, length <= UInt64(Int64.max) else {
                return .failure(.lengthMalformed)
            }
            count = Int(length)
            headerCount = 10
        }
        if !opcode.isControl, count > messageLimit - (messageEnd - messageStart) {
            return .failure(.messageTooLong(limit: messageLimit))
        }
        var mask: UInt32?
        if isMasked {
            guard available >= headerCount + 4 else { return nil }
            var key: UInt32 = 0
            for index in 0..<4 { key = key << 8 | UInt32(storage[cursor + headerCount + index]) }
            mask = key
            headerCount += 4
        }
        return .success(
            Header(
                opcode: opcode, isFinal: isFinal, mask: mask, headerCount: headerCount,
                count: count))
    }

    /// A data frame at `range`, unmasked: the message it ends, or nil when it ends none.
    private mutating func data(_ frame: Header, _ range: Range<Int>) -> WebSocketEvent? {
        let kind = unfinished ?? frame.opcode
        if kind == .text {
            let good = storage.withUnsafeBytes { utf8.accept(.init(rebasing: $0[range])) }
            guard good, !frame.isFinal || utf8.isComplete else { return fail(.notUTF8) }
        }
        if messageStart == messageEnd {
            messageStart = range.lowerBound
            messageEnd = range.upperBound
        } else {
            // A later fragment moves down to join the earlier ones; the header between them is gone for good.
            storage.withUnsafeMutableBytes {
                let target = UnsafeMutableRawBufferPointer(rebasing: $0[messageEnd...])
                target.copyMemory(from: .init(rebasing: $0[range]))
            }
            messageEnd += range.count
        }
        unfinished = frame.isFinal ? nil : kind
        guard frame.isFinal else { return nil }
        payload = messageStart..<messageEnd
        messageStart = messageEnd
        return kind == .text ? .text : .binary
    }

    private mutating func control(_ opcode: WebSocketOpcode, _ range: Range<Int>) -> WebSocketEvent
    {
        switch opcode {
        case .ping:
            payload = range
            return .ping
        case .pong:
            payload = range
            return .pong
        default: break
        }
        // Close (§5.5.1): nothing, or a code and a reason.
        guard range.count != 1 else { return fail(.closeTruncated) }
        guard range.count >= 2 else {
            isOver = true
            return .close(.absent)
        }
        let code = WebSocketCloseCode(
            UInt16(storage[range.lowerBound]) << 8 | UInt16(storage[range.lowerBound + 1]))
        guard code.isAllowedOnWire else { return fail(.closeCodeForbidden(code.rawValue)) }
        let reason = range.dropFirst(2)
        var check = UTF8Check()
        let good = storage.withUnsafeBytes { check.accept(.init(rebasing: $0[reason])) }
        guard good, check.isComplete else { return fail(.notUTF8) }
        payload = reason
        isOver = true
        return .close(code)
    }

    private mutating func fail(_ error: WebSocketError) -> WebSocketEvent {
        isOver = true
        payload = 0..<0
        storage = []
        return .failed(error)
    }

    /// Moves what is alive to the front when that is cheap (no more than what is dead) or the buffer is empty.
    private mutating func makeRoom(for count: Int) {
        let message = messageEnd - messageStart
        let alive = message + storage.count - cursor
        if alive == 0 {
            if storage.capacity > Self.idleCapacity, count <= Self.idleCapacity {
                storage = []
            } else {
                storage.removeAll(keepingCapacity: true)
            }
            (messageStart, messageEnd, cursor) = (0, 0, 0)
        } else if storage.capacity - storage.count < count, storage.count - alive >= alive {
            let rest = storage.count - cursor
            storage.withUnsafeMutableBytes {
                let bytes = UnsafeMutableRawBufferPointer(rebasing: $0[...])
                bytes.copyMemory(from: .init(rebasing: $0[messageStart..<messageEnd]))
                UnsafeMutableRawBufferPointer(rebasing: bytes[message...])
                    .copyMemory(from: .init(rebasing: $0[cursor...]))
            }
            storage.removeLast(storage.count - message - rest)
            (messageStart, messageEnd, cursor) = (0, message, message)
        }
        storage.reserveRoom(for: count)
    }
}
