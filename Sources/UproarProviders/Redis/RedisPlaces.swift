import UproarCore
import UproarWire

/// Where the Redis of an agent is: servers that stand in for each other, or sentinels that know which one is the master.
///
/// ```
/// redis://a:6379, redis://b:6379                         the one that is a master
/// redis-sentinel://:password@s1,s2:26380/0#mymaster      the master that a sentinel names
/// ```
/// `rediss-sentinel` speaks TLS with the master; sentinels are always spoken to in the clear. User, password and database are the
/// master's.
package enum RedisPlaces: Hashable, Sendable, CustomStringConvertible {
    /// At least one, in the order in which they are tried.
    case servers([RedisURL])
    /// - url: how the master is spoken to; host and port are what the sentinels say.
    case sentinels([Sentinel], master: String, url: RedisURL)

    package struct Sentinel: Hashable, Sendable {
        package var host: String
        package var port: UInt16
    }

    /// What a sentinel listens on, where its address says nothing else (redis.io, "High availability with Redis Sentinel").
    static let usualSentinelPort: UInt16 = 26379

    package init(_ text: String) throws(RedisURLError) {
        for (scheme, plain) in [
            ("redis-sentinel://", "redis://"), ("rediss-sentinel://", "rediss://"),
        ] {
            guard text.hasPrefix(scheme) else { continue }
            self = try Self.sentinels(text.dropFirst(scheme.count), plain)
            return
        }
        var urls: [RedisURL] = []
        for part in text.split(separator: ",") {
            urls.append(try RedisURL(String(part.filter { !$0.isWhitespace })))
        }
        guard !urls.isEmpty else { throw RedisURLError(problem: "no server is named") }
        self = .servers(urls)
    }

    private static func sentinels(_ text: Substring, _ plain: String) throws(RedisURLError)
        -> RedisPlaces
    {
        guard let hash = text.firstIndex(of: "#"), text.index(after: hash) < text.endIndex else {
            throw RedisURLError(
                problem:
                    "sentinels are asked for a master by its name, which stands behind #: redis-sentinel://s1,s2#mymaster"
            )
        }
        let master = String(text[text.index(after: hash)...])
        let place = text[..<hash]
        let start = place.lastIndex(of: "@").map { place.index(after: $0) } ?? place.startIndex
        let end = place[start...].firstIndex(of: "/") ?? place.endIndex
        var sentinels: [Sentinel] = []
        for part in place[start..<end].split(separator: ",") {
            let address = String(part.filter { !$0.isWhitespace })
            let url = try RedisURL("redis://" + address)
            let hasPort = !address.hasSuffix("]") && address.contains(":")
            sentinels.append(
                Sentinel(host: url.host, port: hasPort ? url.port : usualSentinelPort))
        }
        guard !sentinels.isEmpty else { throw RedisURLError(problem: "no sentinel is named") }
        // Host and port are put in later; the rest is read as it is of any server.
        let url = try RedisURL(plain + place[..<start] + "master" + place[end...])
        return .sentinels(sentinels, master: master, url: url)
    }

    /// The password of the servers whose URL has none.
    package mutating func fill(password: String) {
        switch self {
        case .servers(var urls):
            for index in urls.indices where urls[index].password == nil {
                urls[index].password = password
            }
            self = .servers(urls)
        case .sentinels(let sentinels, let master, var url):
            url.password = url.password ?? password
            self = .sentinels(sentinels, master: master, url: url)
        }
    }

    /// Hosts and ports, without users and passwords.
    package var description: String {
        switch self {
        case .servers(let urls): urls.map { "\($0.host):\($0.port)" }.joined(separator: ", ")
        case .sentinels(let sentinels, let master, _):
            "\(master) of the sentinels "
                + sentinels.map { "\($0.host):\($0.port)" }.joined(separator: ", ")
        }
    }

    /// Whether a server that answers may still be the wrong one: a replica.
    var mayBeReplica: Bool {
        switch self {
        case .servers(let urls): urls.count > 1
        case .sentinels: true
        }
    }
}
