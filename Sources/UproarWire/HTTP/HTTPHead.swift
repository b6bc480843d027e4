import UproarCore

/// The head of a request (RFC 9112 §3).
package struct HTTPRequestHead: Hashable, Sendable {
    /// In capitals, as sent: methods are case-sensitive.
    package var method: String
    /// As sent: `/v1/listen?model=nova-3`, or an absolute URL from a client that thinks we are a proxy.
    package var target: String
    /// The y of HTTP/1.y.
    package var minorVersion: Int
    package var headers: HTTPHeaders

    package init(
        method: String, target: String, headers: HTTPHeaders = [:], minorVersion: Int = 1
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.minorVersion = minorVersion
    }

    /// The path without query, still percent-encoded; `/` when the target has none.
    package var path: String {
        let path = parts.path
        return path.isEmpty ? "/" : String(path)
    }

    /// The decoded segments of the path, empty ones left out: `/v1//a%20b` is `["v1", "a b"]`.
    package var segments: [String] {
        parts.path.split(separator: "/").map { PercentEncoding.decode($0) }
    }

    /// The query's parameters, decoded, in order.
    package var query: FormParameters { FormParameters(parsing: parts.query ?? "") }

    /// Where the target names no path of its own, an absolute URL's authority is skipped.
    private var parts: (path: Substring, query: Substring?) {
        var rest = target[...]
        if !rest.hasPrefix("/"), let scheme = rest.firstRange(of: "://") {
            rest = rest[scheme.upperBound...]
            rest = rest[(rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex)...]
        }
        guard let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) else { return (rest, nil) }
        return (rest[..<mark], rest[rest.utf8.index(after: mark)...])
    }

    /// Whether the peer waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    package var expectsContinue: Bool {
        minorVersion >= 1 && headers.lists("Expect", "100-continue")
    }

    /// Whether the connection may carry another message after this one (RFC 9112 §9.3).
    package var keepsAlive: Bool { headers.keepAlive(minorVersion: minorVersion) }

    /// Appends the head with its empty line.
    package func write(into output: inout [UInt8]) {
        output.append(contentsOf: method.utf8)
        output.append(UInt8(ascii: " "))
        output.append(contentsOf: target.utf8)
        output.append(contentsOf: " HTTP/1.1\r\n".utf8)
        headers.write(into: &output)
    }
}

/// The head of a response (RFC 9112 §4).
package struct HTTPResponseHead: Hashable, Sendable {
    package var status: Int
    package var reason: String
    package var minorVersion: Int
    package var headers: HTTPHeaders

    /// The reason defaults to the one the status is registered with.
    package init(
        status: Int, reason: String? = nil, headers: HTTPHeaders = [:], minorVersion: Int = 1
    ) {
        self.status = status
        self.reason = reason ?? Self.reason(of: status)
        self.headers = headers
        self.minorVersion = minorVersion
    }

    package var keepsAlive: Bool { headers.keepAlive(minorVersion: minorVersion) }

    /// Whether such a status never has a body (RFC 9110 §6.4.1).
    package static func isBodiless(_ status: Int) -> Bool {
        status < 200 || status == 204 || status == 304
    }

    /// Appends the head with its empty line.
    package func write(into output: inout [UInt8]) {
        output.append(contentsOf: "HTTP/1.1 ".utf8)
        output.append(contentsOf: String(status).utf8)
        output.append(UInt8(ascii: " "))
        HTTPHeaders.append(reason, to: &output)
        output.append(contentsOf: [0x0d, 0x0a])
        headers.write(into: &output)
    }

    /// The reason phrase of RFC 9110 §15 and RFC 6585; empty for others.
    package static func reason(of status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Content"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 499: "Client Closed Request"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}

extension HTTPHeaders {
    func keepAlive(minorVersion: Int) -> Bool {
        if lists("Connection", "close") { return false }
        return minorVersion >= 1 || lists("Connection", "keep-alive")
    }

    func write(into output: inout [UInt8]) {
        for field in fields {
            Self.append(field.name, to: &output)
            output.append(UInt8(ascii: ":"))
            output.append(0x20)
            Self.append(field.value, to: &output)
            output.append(0x0d)
            output.append(0x0a)
        }
        output.append(0x0d)
        output.append(0x0a)
    }

    /// A value that carries a line end (an echoed identifier, say) must not become a field of its own (RFC 9110 §5.5).
    static func append(_ text: String, to output: inout [UInt8]) {
        let start = output.count
        output.append(contentsOf: text.utf8)
        for index in start..<output.count where output[index] < 0x20 {
            if [0x0d, 0x0a, 0x00].contains(output[index]) { output[index] = 0x20 }
        }
    }
}
