import UproarCore
import UproarRuntime
import UproarWire

/// A Redis of a few commands, under the test's hand.
final class ScriptedRedis: ListenerHandler {
    var strings: [String: [UInt8]] = [:]
    var hashes: [String: [String: [UInt8]]] = [:]
    var password: String?
    /// What it says to `ROLE`; nil: it does not know the command.
    var role: String?
    /// What it says as a sentinel, by the master's name; nil: it is none.
    var masters: [String: (host: String, port: Int)]?
    /// Answers nothing.
    var isMute = false
    /// Answers every command with this.
    var error: String?
    private(set) var log: [String] = []
    private(set) var connections: [ScriptedRedisConnection] = []

    func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        let connection = ScriptedRedisConnection(self, stream)
        connections.append(connection)
        return connection
    }

    func answer(_ words: [[UInt8]]) -> RESPValue {
        let text = words.map { String(decoding: $0, as: UTF8.self) }
        log.append(text.joined(separator: " "))
        if let error { return .error(error) }
        switch text[0] {
        case "AUTH":
            return text.last == password ? .ok : .error("WRONGPASS invalid username-password pair")
        case "SELECT": return .ok
        case "ROLE" where role != nil: return .array([.bulk(role ?? ""), .integer(0), .array([])])
        case "SENTINEL" where masters != nil:
            guard let master = masters?[text[2]] else { return .null }
            return .array([.bulk(master.host), .bulk(String(master.port))])
        case "GET": return strings[text[1]].map { .bulk($0) } ?? .null
        case "SETEX":
            strings[text[1]] = words[3]
            return .ok
        case "DEL": return .integer(strings.removeValue(forKey: text[1]) == nil ? 0 : 1)
        case "HSETNX":
            if hashes[text[1]]?[text[2]] != nil { return .integer(0) }
            hashes[text[1], default: [:]][text[2]] = words[3]
            return .integer(1)
        case "HSET":
            hashes[text[1], default: [:]][text[2]] = words[3]
            return .integer(0)
        case "HVALS": return .array((hashes[text[1]] ?? [:]).values.map { .bulk($0) })
        default: return .error("ERR unknown command '\(text[0])'")
        }
    }
}

final class ScriptedRedisConnection: ByteStreamHandler {
    private let redis: ScriptedRedis
    private let stream: any ByteStream
    private var decoder = RESPDecoder()
    private(set) var reads = 0
    private(set) var isClosed = false

    init(_ redis: ScriptedRedis, _ stream: any ByteStream) {
        self.redis = redis
        self.stream = stream
    }

    func send(_ text: String) { stream.write(Array(text.utf8).span.bytes) }
    func cut() { stream.reset() }

    func received(_ bytes: RawSpan, at now: Instant, on stream: any ByteStream) {
        reads += 1
        decoder.receive(bytes)
        var output: [UInt8] = []
        while let value = try? decoder.next(), let words = value.words {
            let answer = redis.answer(words)
            if !redis.isMute { answer.write(into: &output) }
        }
        if !output.isEmpty { stream.write(output.span.bytes) }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) { isClosed = true }
}
