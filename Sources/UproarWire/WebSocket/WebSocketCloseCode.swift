/// The number in a close frame (RFC 6455 §7.4 and the IANA registry).
package struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package var rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }
    package init(_ value: UInt16) { rawValue = value }

    package static let normal = Self(1000)
    package static let goingAway = Self(1001)
    package static let protocolError = Self(1002)
    package static let unsupported = Self(1003)
    /// Never on the wire: the close frame held no code.
    package static let absent = Self(1005)
    /// Never on the wire: the connection ended without a close frame.
    package static let abnormal = Self(1006)
    package static let invalidPayload = Self(1007)
    package static let policyViolation = Self(1008)
    package static let messageTooBig = Self(1009)
    package static let internalError = Self(1011)
    package static let serviceRestart = Self(1012)
    package static let tryAgainLater = Self(1013)

    /// Whether a peer may send it (§7.4.2): registered and not one of the three that only describe, or 3000–4999.
    package var isAllowedOnWire: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    package var description: String { String(rawValue) }
}

/// What a peer did against RFC 6455, or against our limits. The connection cannot go on after one.
package enum WebSocketError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A reserved bit without an extension that gives it a meaning (we negotiate none).
    case reservedBit
    case unknownOpcode(UInt8)
    /// The peer is a client and did not mask.
    case maskMissing
    /// The peer is a server and masked.
    case maskPresent
    case controlTooLong
    case controlFragmented
    /// A continuation frame with nothing to continue.
    case nothingToContinue
    /// A new message inside an unfinished one.
    case messageUnfinished
    /// A length written longer than needed, or with its highest bit set.
    case lengthMalformed
    /// The message would be longer than the limit (bytes).
    case messageTooLong(limit: Int)
    /// A text message or a close reason that is not UTF-8.
    case notUTF8
    /// A close frame with one byte of payload.
    case closeTruncated
    case closeCodeForbidden(UInt16)

    /// The code to close with (§7.4.1).
    package var closeCode: WebSocketCloseCode {
        switch self {
        case .messageTooLong: .messageTooBig
        case .notUTF8: .invalidPayload
        default: .protocolError
        }
    }

    package var description: String {
        switch self {
        case .reservedBit: "a reserved bit is set and no extension was agreed"
        case .unknownOpcode(let opcode): "frames of kind \(opcode) do not exist"
        case .maskMissing: "a client's frame came without a mask"
        case .maskPresent: "a server's frame came with a mask"
        case .controlTooLong: "a control frame holds more than 125 bytes"
        case .controlFragmented: "a control frame came in fragments"
        case .nothingToContinue: "a continuation frame came with nothing to continue"
        case .messageUnfinished: "a new message began inside an unfinished one"
        case .lengthMalformed: "a frame's length is not written in its shortest form"
        case .messageTooLong(let limit): "a message is longer than \(limit) bytes"
        case .notUTF8: "text is not UTF-8"
        case .closeTruncated: "a close frame holds half a code"
        case .closeCodeForbidden(let code): "close code \(code) may not be sent"
        }
    }
}
