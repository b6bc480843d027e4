import UproarRuntime

/// Addresses as people and clients write them.
package enum LinkAddress {
    /// `127.0.0.1:6379`, `localhost:0`, `[::1]:80`, `:8080`; nil for anything else.
    package static func parse(_ text: String) -> Endpoint? {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if host.isEmpty { host = "127.0.0.1" }
        return host.contains(" ") || host.contains("/") ? nil : .tcp(host: host, port: port)
    }

    package static func isOwn(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
