/// One thing that happened, stated by the part that saw it: a 32-byte record.
///
/// Stages state facts; they do not compute latency. What `value` and `detail` mean stands beside each kind in `FactKind`.
package struct Fact: Hashable, Sendable {
    /// When it happened, nanoseconds since the run's epoch.
    package var at: Int64
    package var value: Int64
    /// The call it belongs to; `Fact.noCall` when no call is known.
    package var call: UInt32
    /// The turn reference in its plain form (`TurnReference.rawValue`, not permuted); 0 when none.
    package var reference: UInt32
    package var detail: UInt32
    package var kind: UInt16
    package var origin: UInt16

    package static let noCall = UInt32.max
    /// The size of one record on a control socket and in a journal, little-endian, in the order of the properties.
    package static let encodedByteCount = 32

    /// Without `call`, the call is the reference's. A caller always gives its own: a reply of another call heard on this
    /// one (cross-talk) belongs to the call on which it was heard.
    package init(
        _ kind: FactKind, at: Instant, call: UInt32? = nil, reference: TurnReference? = nil,
        value: Int64 = 0, detail: UInt32 = 0, origin: FactOrigin
    ) {
        self.at = at.nanoseconds
        self.value = value
        self.call = call ?? reference?.call ?? Fact.noCall
        self.reference = reference?.rawValue ?? 0
        self.detail = detail
        self.kind = kind.rawValue
        self.origin = origin.rawValue
    }

    package var instant: Instant { Instant(nanoseconds: at) }
    package var turn: TurnReference? { reference == 0 ? nil : TurnReference(rawValue: reference) }

    package func encode(into bytes: inout [UInt8]) {
        withUnsafeBytes(of: at.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: call.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: reference.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: detail.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: kind.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: origin.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// The record at `offset`, or nil when fewer than 32 bytes are left.
    package init?(decoding bytes: RawSpan, at offset: Int = 0) {
        guard offset >= 0, bytes.byteCount - offset >= Self.encodedByteCount else { return nil }
        at = Int64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Int64.self))
        value = Int64(
            littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: Int64.self))
        call = UInt32(
            littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 16, as: UInt32.self))
        reference = UInt32(
            littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 20, as: UInt32.self))
        detail = UInt32(
            littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 24, as: UInt32.self))
        kind = UInt16(
            littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 28, as: UInt16.self))
        origin = UInt16(
            littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 30, as: UInt16.self))
    }
}

/// Who states a fact. Providers' numbers start at 16 and are those of `ProviderID`.
package struct FactOrigin: Hashable, Sendable {
    package var rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let caller = FactOrigin(rawValue: 1)
    package static let agent = FactOrigin(rawValue: 2)
    package static let link = FactOrigin(rawValue: 3)
    package static let nemesis = FactOrigin(rawValue: 4)
    package static let harness = FactOrigin(rawValue: 5)
    package static func provider(_ id: ProviderID) -> FactOrigin {
        FactOrigin(rawValue: id.rawValue)
    }
    package var provider: ProviderID? { ProviderID(rawValue: rawValue) }
}

/// Takes facts as they are stated. Loop-owned; must not block, must not allocate once warm.
package protocol FactSink: AnyObject {
    func state(_ fact: Fact)
}
