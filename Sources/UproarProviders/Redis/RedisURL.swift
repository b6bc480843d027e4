import UproarCore

/// Where a Redis is: `redis://[[user:]password@]host[:port][/database]`, `rediss` with TLS (IANA's registration of `redis`).
package struct RedisURL: Hashable, Sendable {
    package var host: String
    package var port: UInt16 = 6379
    package var user: String?
    package var password: String?
    package var database = 0
    package var usesTLS = false

    package init(host: String, port: UInt16 = 6379) {
        self.host = host
        self.port = port
    }

    package init(_ text: String) throws(RedisURLError) {
        var rest = Substring(text)
        if rest.hasPrefix("rediss://") {
            usesTLS = true
            rest = rest.dropFirst(9)
        } else if rest.hasPrefix("redis://") {
            rest = rest.dropFirst(8)
        } else {
            throw RedisURLError(problem: "a Redis URL starts with redis:// or rediss://")
        }
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at].split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            rest = rest[rest.index(after: at)...]
            let words = credentials.map { PercentEncoding.decode(String($0)) }
            // A lone word is a password, as redis-cli takes it: users came later.
            if words.count == 2, !words[0].isEmpty { user = words[0] }
            if let last = words.last, !last.isEmpty { password = last }
        }
        if let slash = rest.firstIndex(of: "/") {
            let text = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
            if !text.isEmpty {
                guard let number = Int(text), number >= 0 else {
                    throw RedisURLError(problem: "the database is '\(text)', not a number")
                }
                database = number
            }
        }
        if rest.hasPrefix("["), let close = rest.firstIndex(of: "]") {
            host = String(rest[rest.index(after: rest.startIndex)..<close])
            rest = rest[rest.index(after: close)...]
        } else {
            let colon = rest.firstIndex(of: ":") ?? rest.endIndex
            host = String(rest[..<colon])
            rest = rest[colon...]
        }
        guard !host.isEmpty else { throw RedisURLError(problem: "the host is missing") }
        if rest.hasPrefix(":"), rest.count > 1 {
            guard let port = UInt16(rest.dropFirst()), port > 0 else {
                throw RedisURLError(
                    problem: "the port is '\(rest.dropFirst())', allowed is 1 to 65535")
            }
            self.port = port
        }
    }
}

/// Why a text is no Redis URL, in words for the person who wrote it.
package struct RedisURLError: Error, Hashable, Sendable, CustomStringConvertible {
    package var problem: String
    package var description: String { problem }
}
