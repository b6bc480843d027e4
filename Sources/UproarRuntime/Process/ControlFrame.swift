import UproarCore

/// One message between the run and a child of ours, over the control socket.
///
/// On the wire: body length u32, kind u16, body; little-endian. JSON bodies for everything but facts, which are raw records.
package struct ControlFrame: Hashable, Sendable {
    package var kind: ControlKind
    package var body: [UInt8]

    package init(_ kind: ControlKind, body: [UInt8]) {
        self.kind = kind
        self.body = body
    }

    package init(_ kind: ControlKind, _ value: JSONValue = .object([])) {
        self.init(kind, body: value.encoded())
    }

    package static let headerByteCount = 6
    /// A longer body is a protocol error: it bounds what a broken peer can make us keep.
    package static let bodyLimit = 4 << 20

    package func encode(into output: inout [UInt8]) {
        precondition(body.count <= Self.bodyLimit, "a control frame of \(body.count) bytes")
        Self.encodeHeader(kind, bodyByteCount: body.count, into: &output)
        output.append(contentsOf: body)
    }

    static func encodeHeader(_ kind: ControlKind, bodyByteCount: Int, into output: inout [UInt8]) {
        let length = UInt32(bodyByteCount)
        for shift in stride(from: 0, to: 32, by: 8) {
            output.append(UInt8(truncatingIfNeeded: length >> UInt32(shift)))
        }
        output.append(UInt8(truncatingIfNeeded: kind.rawValue))
        output.append(UInt8(truncatingIfNeeded: kind.rawValue >> 8))
    }

    package func value() throws(JSONError) -> JSONValue { try JSONParser.parse(body) }
}

/// Numbers are the wire's.
package enum ControlKind: UInt16, CaseIterable, Sendable {
    /// Child → run, first: role, pid, boot id.
    case hello = 1
    /// Child → run: it serves; `ports` by name.
    case ready = 2
    /// Run → child: a fault plan to act on.
    case arm = 3
    /// Run → child: end the faults named.
    case clear = 4
    /// Run → child: take no new work, finish what there is, say the last evidence, exit.
    case drain = 5
    /// Child → run: what only the child knows (counters, loop lag, effective faults).
    case evidence = 6
    /// Child → run: facts, raw 32-byte records.
    case facts = 7
    /// Child → run: why it cannot go on; it exits next.
    case error = 8
}

/// What is wrong with the bytes on a control socket. The connection cannot go on after it.
package enum ControlError: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownKind(UInt16)
    case tooLong(Int)
    /// A facts body that is not a whole number of records.
    case brokenFacts(byteCount: Int)
    case notJSON(ControlKind, JSONError)
    /// The peer closed in the middle of a frame.
    case cut

    package var description: String {
        switch self {
        case .unknownKind(let kind): "control frame of unknown kind \(kind)"
        case .tooLong(let count):
            "control frame of \(count) bytes; the limit is \(ControlFrame.bodyLimit)"
        case .brokenFacts(let count): "facts frame of \(count) bytes, not a multiple of 32"
        case .notJSON(let kind, let error): "\(kind) frame: \(error)"
        case .cut: "control socket closed in the middle of a frame"
        }
    }
}

/// Cuts a byte stream into control frames. Feed it as bytes come, then take frames until there are none.
package struct ControlDecoder {
    private var buffer: [UInt8] = []
    private var start = 0

    package init() {}

    package mutating func feed(_ bytes: RawSpan) {
        if start > 0, start == buffer.count || start > 1 << 16 {
            buffer.removeFirst(start)
            start = 0
        }
        bytes.withUnsafeBytes { buffer.append(contentsOf: $0) }
    }

    /// True when no part of a frame is waiting for its rest.
    package var isBetweenFrames: Bool { start == buffer.count }

    /// The next whole frame, or nil when more bytes are needed. A bad length is seen as soon as its header is.
    package mutating func next() throws(ControlError) -> ControlFrame? {
        guard buffer.count - start >= ControlFrame.headerByteCount else { return nil }
        var length = 0
        for index in 0..<4 { length |= Int(buffer[start + index]) << (8 * index) }
        let number = UInt16(buffer[start + 4]) | UInt16(buffer[start + 5]) << 8
        guard length <= ControlFrame.bodyLimit else { throw .tooLong(length) }
        guard let kind = ControlKind(rawValue: number) else { throw .unknownKind(number) }
        if kind == .facts, !length.isMultiple(of: Fact.encodedByteCount) {
            throw .brokenFacts(byteCount: length)
        }
        let body = start + ControlFrame.headerByteCount
        guard buffer.count - body >= length else { return nil }
        start = body + length
        return ControlFrame(kind, body: Array(buffer[body..<start]))
    }
}
