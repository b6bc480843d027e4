/// A URL of the kinds we dial: `ws`, `wss`, `http`, `https` (RFC 3986, without user names and fragments).
package struct WireURL: Hashable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Hashable, Sendable, CaseIterable {
        case ws, wss, http, https

        package var isSecure: Bool { self == .wss || self == .https }
        package var defaultPort: UInt16 { isSecure ? 443 : 80 }
    }

    package var scheme: Scheme
    /// A name or an address; an IPv6 address without its brackets.
    package var host: String
    /// As written, or the scheme's own.
    package var port: UInt16
    /// The path, percent-encoded as written; starts with `/`.
    package var path: String
    /// What follows `?`, as written; nil without a `?`.
    package var query: String?

    package init(
        scheme: Scheme, host: String, port: UInt16? = nil, path: String = "/", query: String? = nil
    ) {
        self.scheme = scheme
        self.host = host
        self.port = port ?? scheme.defaultPort
        self.path = path
        self.query = query
    }

    /// Path and query, as a request line wants them.
    package var target: String { query.map { "\(path)?\($0)" } ?? path }

    /// Host and port, as a Host header wants them: no default port, IPv6 in brackets.
    package var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == scheme.defaultPort ? name : "\(name):\(port)"
    }

    package var parameters: FormParameters { FormParameters(parsing: query ?? "") }

    package var description: String { "\(scheme.rawValue)://\(authority)\(target)" }

    /// The same URL with one more query parameter.
    package func adding(_ name: String, _ value: String) -> WireURL {
        var parameters = FormParameters()
        parameters.add(name, value)
        return adding(parameters)
    }

    /// The same URL with more query parameters behind its own.
    package func adding(_ parameters: FormParameters) -> WireURL {
        var copy = self
        let parts = [query ?? "", parameters.encoded].filter { !$0.isEmpty }
        copy.query = parts.isEmpty ? nil : parts.joined(separator: "&")
        return copy
    }

    /// The same URL with `endpoint` (from `/` on) below its path; a path that ends with it already stays as it is.
    package func at(_ endpoint: String) -> WireURL {
        var copy = self
        if path.hasSuffix("/") { copy.path.removeLast() }
        if !copy.path.hasSuffix(endpoint) { copy.path += endpoint }
        return copy
    }

    package init(_ text: String) throws(WireURLError) {
        var rest = Array(text.utf8)[...]
        guard rest.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { throw .blankInside }
        func string(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

        guard let colon = rest.firstIndex(of: UInt8(ascii: ":")),
            rest[colon...].starts(with: "://".utf8)
        else { throw .schemeMissing }
        let name = string(rest[..<colon]).lowercased()
        guard let scheme = Scheme(rawValue: name) else { throw .schemeUnknown(name) }
        self.scheme = scheme
        rest = rest[(colon + 3)...]
        if let hash = rest.firstIndex(of: UInt8(ascii: "#")) { rest = rest[..<hash] }

        let end =
            rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        var authority = rest[..<end]
        rest = rest[end...]
        guard !authority.contains(UInt8(ascii: "@")) else { throw .credentialsInside }
        var portText: ArraySlice<UInt8>?
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else {
                throw .hostMalformed
            }
            host = string(authority[(authority.startIndex + 1)..<close])
            authority = authority[(close + 1)...]
            guard authority.isEmpty || authority.first == UInt8(ascii: ":"),
                host.utf8.contains(UInt8(ascii: ":"))
            else { throw .hostMalformed }
            portText = authority.isEmpty ? nil : authority.dropFirst()
        } else if let colon = authority.firstIndex(of: UInt8(ascii: ":")) {
            host = string(authority[..<colon])
            portText = authority[(colon + 1)...]
        } else {
            host = string(authority)
        }
        guard !host.isEmpty else { throw .hostMissing }
        if let portText, !portText.isEmpty {
            guard portText.allSatisfy({ (0x30...0x39).contains($0) }),
                let port = UInt16(string(portText)), port > 0
            else { throw .portMalformed(string(portText)) }
            self.port = port
        } else {
            port = scheme.defaultPort
        }

        let mark = rest.firstIndex(of: UInt8(ascii: "?"))
        let pathText = string(rest[..<(mark ?? rest.endIndex)])
        path = pathText.isEmpty ? "/" : pathText
        query = mark.map { string(rest[($0 + 1)...]) }
    }
}

/// Why a text is no URL we can dial, in words for the person who wrote it.
package enum WireURLError: Error, Hashable, Sendable, CustomStringConvertible {
    case schemeMissing
    case schemeUnknown(String)
    case hostMissing
    case hostMalformed
    case portMalformed(String)
    case credentialsInside
    case blankInside

    package var description: String {
        switch self {
        case .schemeMissing: "a URL starts with ws://, wss://, http:// or https://"
        case .schemeUnknown(let name):
            "the scheme is '\(name)', allowed are ws, wss, http and https"
        case .hostMissing: "the host is missing"
        case .hostMalformed: "an IPv6 address stands in brackets, and only it: [::1]"
        case .portMalformed(let text): "the port is '\(text)', allowed is 1 to 65535"
        case .credentialsInside: "user names and passwords do not belong into the URL"
        case .blankInside: "the URL holds a blank or a control character"
        }
    }
}
