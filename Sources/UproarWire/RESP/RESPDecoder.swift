import CHiredis
import UproarCore

/// Why a stream is no RESP, or too much of it. Nothing can be read after it.
package enum RESPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// In the words of the library.
    case malformed(String)
    /// One value is longer than the limit (bytes).
    case valueTooLong(limit: Int)
    /// One value has more parts than the limit, over all its nested arrays.
    case tooManyParts(limit: Int)

    package var description: String {
        switch self {
        case .malformed(let reason): "not RESP: \(reason)"
        case .valueTooLong(let limit): "a value is longer than \(limit) bytes"
        case .tooManyParts(let limit): "a value has more than \(limit) parts"
        }
    }
}

/// Reads values of Redis' protocol, version 2, from bytes cut anywhere: replies, or the commands a server receives (arrays of
/// bulk strings; commands typed by hand, "inline", are not read).
///
/// The library is hiredis, its `redisReader`. It knows at most seven arrays inside one another and trusts the counts it reads, so
/// our own function makes its arrays and counts them.
package struct RESPDecoder: ~Copyable {
    private let reader: UnsafeMutablePointer<redisReader>
    /// How many parts the value being read may still have; the library hands its address to our function.
    private let partsLeft: UnsafeMutablePointer<Int>
    private let byteLimit: Int
    private let partLimit: Int
    private var fedInValue = 0
    private var failure: RESPError?
    /// How many bytes of the stream the latest value took.
    package private(set) var lastCount = 0

    package init(byteLimit: Int = 64 << 20, partLimit: Int = 1 << 20) {
        precondition(byteLimit > 0 && partLimit > 0, "limits are positive")
        guard let reader = redisReaderCreateWithFunctions(RESPFunctions.table) else {
            preconditionFailure("no memory for a reader")
        }
        self.reader = reader
        self.byteLimit = byteLimit
        self.partLimit = partLimit
        partsLeft = .allocate(capacity: 1)
        partsLeft.initialize(to: partLimit)
        reader.pointee.privdata = UnsafeMutableRawPointer(partsLeft)
    }

    deinit {
        redisReaderFree(reader)
        partsLeft.deallocate()
    }

    package mutating func receive(_ bytes: RawSpan) {
        guard failure == nil, bytes.byteCount > 0 else { return }
        fedInValue += bytes.byteCount
        bytes.withUnsafeBytes { bytes in
            let result = redisReaderFeed(
                reader, bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count)
            if result != REDIS_OK { failure = .malformed("out of memory") }
        }
    }

    /// The next value, or nil when more bytes are needed.
    package mutating func next() throws(RESPError) -> RESPValue? {
        if let failure { throw failure }
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &reply) == REDIS_OK else {
            failure =
                partsLeft.pointee < 0
                ? .tooManyParts(limit: partLimit) : .malformed(Self.reason(of: reader))
            throw failure ?? .malformed("")
        }
        guard let reply else {
            if fedInValue > byteLimit {
                failure = .valueTooLong(limit: byteLimit)
                throw .valueTooLong(limit: byteLimit)
            }
            return nil
        }
        defer { freeReplyObject(reply) }
        let rest = reader.pointee.len - reader.pointee.pos
        lastCount = fedInValue - rest
        fedInValue = rest
        partsLeft.pointee = partLimit
        guard lastCount <= byteLimit else {
            failure = .valueTooLong(limit: byteLimit)
            throw .valueTooLong(limit: byteLimit)
        }
        return Self.value(reply.assumingMemoryBound(to: redisReply.self).pointee)
    }

    private static func reason(of reader: UnsafeMutablePointer<redisReader>) -> String {
        withUnsafeBytes(of: &reader.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private static func value(_ reply: redisReply) -> RESPValue {
        switch reply.type {
        case REDIS_REPLY_STATUS: return .simple(String(decoding: bytes(reply), as: UTF8.self))
        case REDIS_REPLY_ERROR: return .error(String(decoding: bytes(reply), as: UTF8.self))
        case REDIS_REPLY_INTEGER: return .integer(Int(reply.integer))
        case REDIS_REPLY_STRING: return .bulk(Array(bytes(reply)))
        case REDIS_REPLY_ARRAY:
            return .array(
                (0..<Int(reply.elements)).map { index in
                    reply.element[index].map { value($0.pointee) } ?? .null
                })
        default: return .null
        }
    }

    private static func bytes(_ reply: redisReply) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: reply.str, count: Int(reply.len))
    }
}

/// hiredis' own functions for making a reply's parts, but for arrays: version 0.14 multiplies the count it read with the size
/// of a pointer and takes what comes out (CVE-2021-32765).
private enum RESPFunctions {
    private static let original: redisReplyObjectFunctions = {
        // The library keeps its table to itself; a reader of its own making points to it.
        guard let reader = redisReaderCreate(), let table = reader.pointee.fn else {
            preconditionFailure("no memory for a reader")
        }
        defer { redisReaderFree(reader) }
        return table.pointee
    }()

    /// Never freed: readers point to it.
    nonisolated(unsafe) static let table: UnsafeMutablePointer<redisReplyObjectFunctions> = {
        var functions = original
        functions.createArray = { task, count in
            guard let task, let budget = task.pointee.privdata else { return nil }
            let left = budget.assumingMemoryBound(to: Int.self)
            left.pointee -= Int(count) + 1
            // Nothing made means "out of memory" to the library, which then stops.
            return left.pointee < 0 ? nil : RESPFunctions.original.createArray(task, count)
        }
        let table = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        table.initialize(to: functions)
        return table
    }()
}
