import Glibc
import UproarCore

/// Finds where values of Redis' protocol end, without making them: for relays, which pass bytes on as they came. Both versions of
/// the protocol, and commands typed by hand ("inline").
///
/// Feed it every byte of one direction, in order; what is no Redis is told by `isLost`, for good.
package struct RESPScanner: Sendable {
    package enum Role: Sendable { case commands, replies }

    private let role: Role
    /// The head line being read, as far as it is kept.
    private var head: [UInt8] = []
    private var headCount = 0
    /// Bytes of a bulk string and its line end that are still due.
    private var due = 0
    /// Of these, bytes that belong to the first word.
    private var wordDue = 0
    /// Parts still due of each aggregate that is open, the innermost last.
    private var open: [Int] = []
    private var expectsWord = false
    private var firstByte: UInt8 = 0

    /// The first word of the value that ended last: a command's name, the kind of a published message. At most 32 bytes.
    package private(set) var word: [UInt8] = []
    /// The value that ended last was out of band (`>`).
    package private(set) var isPush = false
    package private(set) var isLost = false

    private static let wordLimit = 32
    private static let depthLimit = 32
    private static let partLimit = 1 << 20
    private static let bulkLimit = 512 << 20
    /// A line is a status, an error, a number or an inline command: Redis itself stops at 64 KiB.
    private static let lineLimit = 64 << 10
    private static let headKept = 64

    package init(_ role: Role) { self.role = role }

    /// Nothing of a value has been read.
    package var isBetweenValues: Bool { due == 0 && open.isEmpty && headCount == 0 }

    /// Reads on from `offset`. True when a value has ended, with `offset` behind it; false when all bytes are read, or none of it
    /// makes sense any more.
    package mutating func next(in bytes: UnsafeRawBufferPointer, from offset: inout Int) -> Bool {
        while offset < bytes.count, !isLost {
            if due > 0 {
                takeBulk(bytes, &offset)
                if due == 0, partEnded() { return true }
                continue
            }
            guard takeLine(bytes, &offset) else { return false }
            if lineEnded(), !isLost, partEnded() { return true }
        }
        return false
    }

    private mutating func takeBulk(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) {
        let count = min(due, bytes.count - offset)
        if wordDue > 0 {
            let kept = min(wordDue, count)
            word.append(contentsOf: bytes[offset..<offset + kept])
            wordDue -= kept
        }
        due -= count
        offset += count
    }

    /// False when the line's end is not there yet.
    private mutating func takeLine(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        let left = bytes.count - offset
        let found = memchr(base + offset, 0x0a, left)
        let count = found.map { UnsafeRawPointer($0) - (base + offset) } ?? left
        let kept = min(count, Self.headKept - head.count)
        if kept > 0 { head.append(contentsOf: bytes[offset..<offset + kept]) }
        headCount += count
        offset += found == nil ? count : count + 1
        if headCount > Self.lineLimit { isLost = true }
        return found != nil && !isLost
    }

    /// Reads a head line. True when the part ends with it.
    private mutating func lineEnded() -> Bool {
        defer {
            head.removeAll(keepingCapacity: true)
            headCount = 0
        }
        if head.last == 0x0d { head.removeLast() }
        if open.isEmpty {
            word.removeAll(keepingCapacity: true)
            isPush = false
            expectsWord = false
        }
        guard let kind = head.first else {
            // An empty line between inline commands is nothing.
            if role == .replies || !open.isEmpty { isLost = true }
            return false
        }
        switch kind {
        case UInt8(ascii: "*"), UInt8(ascii: "~"), UInt8(ascii: ">"), UInt8(ascii: "%"),
            UInt8(ascii: "|"):
            return aggregate(kind)
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            guard let count = number, count <= Self.bulkLimit else { return lost() }
            guard count >= 0 else { return true }
            due = count + 2
            if expectsWord {
                expectsWord = false
                wordDue = min(count, Self.wordLimit)
            }
            return false
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "_"),
            UInt8(ascii: "#"), UInt8(ascii: ","), UInt8(ascii: "("):
            expectsWord = false
            return role == .replies || !open.isEmpty ? true : inline()
        default: return role == .commands && open.isEmpty ? inline() : lost()
        }
    }

    private mutating func aggregate(_ kind: UInt8) -> Bool {
        guard var count = number, count <= Self.partLimit, open.count < Self.depthLimit else {
            return lost()
        }
        if kind == UInt8(ascii: "%") || kind == UInt8(ascii: "|") { count *= 2 }
        if open.isEmpty {
            expectsWord = true
            isPush = kind == UInt8(ascii: ">")
        }
        guard count > 0 else { return true }
        open.append(count)
        return false
    }

    private mutating func inline() -> Bool {
        word = Array(head.prefix { $0 != 0x20 && $0 != 0x09 }.prefix(Self.wordLimit))
        return true
    }

    private mutating func lost() -> Bool {
        isLost = true
        return false
    }

    /// What stands behind the kind, if it is a whole number.
    private var number: Int? {
        guard head.count > 1, head.count == headCount || head.count + 1 == headCount else {
            return nil
        }
        var value = 0
        var isNegative = false
        for (index, byte) in head.dropFirst().enumerated() {
            if index == 0, byte == UInt8(ascii: "-") {
                isNegative = true
                continue
            }
            guard byte >= 0x30, byte <= 0x39, value < 1 << 40 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return isNegative ? -value : value
    }

    /// A part has ended. True when the whole value has.
    private mutating func partEnded() -> Bool {
        while let left = open.last {
            if left > 1 {
                open[open.count - 1] = left - 1
                return false
            }
            open.removeLast()
        }
        return true
    }
}
