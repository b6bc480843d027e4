import UproarCore
import UproarRuntime
import UproarWire

/// A small Redis over any `Network`: the commands that session stores use, with times to live. Protocol version 2.
///
/// Nothing is stored on disk: a server that is made anew is empty.
package final class SimulatedRedis {
    /// Every write is refused as a replica refuses it.
    package var isReadOnly = false
    /// Every command is refused as while a dump is loaded.
    package var isLoading = false
    /// Stands still as a stopped process does: connections are made and take bytes, and nothing is answered until it goes on.
    package var isPaused = false {
        didSet {
            guard isPaused != oldValue else { return }
            for connection in connections { connection.isPaused = isPaused }
        }
    }

    let loop: EventLoop
    let password: String?
    private let network: any Network
    /// Where it listens, and again after a restart.
    private var place: Endpoint
    var databases = [RedisDatabase](repeating: RedisDatabase(), count: 16)
    private(set) var commandCount = 0
    private var listener: (any Listener)?
    private var connections: [RedisConnection] = []
    private var lastConnection = 0

    /// Listens at once. With a password, connections must say `AUTH` first.
    package init(
        loop: EventLoop, network: any Network, endpoint: Endpoint = .loopback(0),
        password: String? = nil
    ) throws(NetworkError) {
        self.loop = loop
        self.password = password
        self.network = network
        place = endpoint
        listener = try network.listen(on: endpoint, options: ListenOptions(), handler: self)
        place = listener?.endpoint ?? endpoint
    }

    /// Is there again at the same place, empty, for nothing was stored on disk.
    package func restart() throws(NetworkError) {
        guard listener == nil else { return }
        databases = [RedisDatabase](repeating: RedisDatabase(), count: 16)
        isReadOnly = false
        isPaused = false
        listener = try network.listen(on: place, options: ListenOptions(), handler: self)
    }

    package var endpoint: Endpoint? { listener?.endpoint }
    package var connectionCount: Int { connections.count }

    /// Dies as a killed process does: nothing listens any more and every connection is reset.
    package func kill() {
        listener?.close()
        listener = nil
        for connection in connections { connection.reset() }
    }

    func forget(_ connection: RedisConnection) { connections.removeAll { $0 === connection } }

    // MARK: Commands

    /// What no connection need be asked about.
    func execute(_ words: [[UInt8]], name: String, database: Int) -> RESPValue {
        commandCount += 1
        guard let command = RedisCommand.table[name] else { return Self.unknown(words) }
        if command.writes, isReadOnly {
            return .error("READONLY You can't write against a read only replica.")
        }
        do {
            return try command.body(words, &databases[database], loop.now)
        } catch {
            return .error(error.words)
        }
    }

    static func unknown(_ words: [[UInt8]]) -> RESPValue {
        let name = String(decoding: words[0].prefix(128), as: UTF8.self)
        let rest = words.dropFirst().map { "'\(String(decoding: $0.prefix(128), as: UTF8.self))' " }
        return .error(
            "ERR unknown command '\(name)', with args beginning with: \(rest.joined())")
    }

    func flushAll() -> RESPValue {
        guard !isReadOnly else {
            return .error("READONLY You can't write against a read only replica.")
        }
        for index in databases.indices { databases[index] = RedisDatabase() }
        return .ok
    }

    /// The lines that clients look for.
    func information() -> RESPValue {
        var lines = [
            "# Server", "redis_version:7.0.15", "redis_mode:standalone", "",
            "# Clients", "connected_clients:\(connections.count)", "",
            "# Persistence", "loading:\(isLoading ? 1 : 0)", "",
            "# Stats", "total_commands_processed:\(commandCount)", "",
            "# Replication", "role:\(isReadOnly ? "slave" : "master")", "",
            "# Keyspace",
        ]
        for index in databases.indices {
            let count = databases[index].count(at: loop.now)
            if count > 0 { lines.append("db\(index):keys=\(count),expires=0,avg_ttl=0") }
        }
        return .bulk(lines.joined(separator: "\r\n") + "\r\n")
    }
}

extension SimulatedRedis: ListenerHandler {
    package func accepted(_ stream: any ByteStream) -> any ByteStreamHandler {
        lastConnection += 1
        let connection = RedisConnection(server: self, stream: stream, number: lastConnection)
        connections.append(connection)
        connection.isPaused = isPaused
        return connection
    }
}
