import UproarCore
import UproarCrypto

/// The upgrade from HTTP/1.1 (RFC 6455 §4). Extensions are never offered and always declined by leaving them out.
package enum WebSocketHandshake {
    /// What a server answers to this Sec-WebSocket-Key (§4.2.2).
    package static func accept(key: String) -> String {
        Base64.encode(Digest.sha1.hash(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
    }

    /// A fresh Sec-WebSocket-Key: 16 bytes in Base64.
    package static func key(_ random: inout RandomStream) -> String {
        var bytes: [UInt8] = []
        for _ in 0..<2 {
            let word = random.next()
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        return Base64.encode(bytes)
    }

    /// A client's request. `headers` come last and may not repeat ours, but for Host, which they may replace.
    package static func request(
        to url: WireURL, key: String, subprotocols: [String], headers: HTTPHeaders
    ) -> HTTPRequestHead {
        var all: HTTPHeaders = [
            "Host": headers["Host"] ?? url.authority,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
        ]
        if !subprotocols.isEmpty {
            all.add("Sec-WebSocket-Protocol", subprotocols.joined(separator: ", "))
        }
        for field in headers.fields where !all.contains(field.name) {
            all.add(field.name, field.value)
        }
        return HTTPRequestHead(method: "GET", target: url.target, headers: all)
    }

    /// Checks a 101 (§4.1, end): the subprotocol the server chose, if any.
    package static func check(
        _ response: HTTPResponseHead, key: String, subprotocols: [String]
    ) throws(WebSocketHandshakeError) -> String? {
        guard response.status == 101 else { throw .notSwitching(response.status) }
        guard response.headers.lists("Upgrade", "websocket") else { throw .upgradeMissing }
        guard response.headers.lists("Connection", "Upgrade") else { throw .upgradeMissing }
        guard response.headers.all("Sec-WebSocket-Accept") == [accept(key: key)] else {
            throw .acceptWrong
        }
        guard response.headers.list("Sec-WebSocket-Extensions").isEmpty else {
            throw .extensionNotOffered
        }
        let chosen = response.headers.all("Sec-WebSocket-Protocol")
        guard let first = chosen.first else { return nil }
        guard chosen.count == 1, subprotocols.contains(first) else {
            throw .subprotocolNotOffered(first)
        }
        return first
    }

    /// Whether a request asks to speak WebSocket, well or badly.
    package static func isUpgrade(_ request: HTTPRequestHead) -> Bool {
        request.headers.lists("Upgrade", "websocket")
    }

    /// Checks a client's request (§4.2.1): its key.
    package static func check(
        _ request: HTTPRequestHead
    ) throws(WebSocketHandshakeError) -> String {
        guard request.method == "GET", request.minorVersion >= 1,
            (request.headers["Content-Length"] ?? "0") == "0",
            !request.headers.contains("Transfer-Encoding")
        else { throw .requestNotPlainGet }
        guard isUpgrade(request), request.headers.lists("Connection", "Upgrade") else {
            throw .upgradeMissing
        }
        guard request.headers.all("Sec-WebSocket-Version") == ["13"] else {
            throw .versionUnsupported
        }
        let keys = request.headers.all("Sec-WebSocket-Key")
        guard keys.count == 1, Base64.decode(keys[0])?.count == 16 else { throw .keyMalformed }
        return keys[0]
    }

    /// The 101 for a request whose key was checked.
    package static func response(
        key: String, subprotocol: String?, headers: HTTPHeaders
    ) -> HTTPResponseHead {
        var all: HTTPHeaders = [
            "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Accept": accept(key: key),
        ]
        if let subprotocol { all.add("Sec-WebSocket-Protocol", subprotocol) }
        for field in headers.fields { all.add(field.name, field.value) }
        return HTTPResponseHead(status: 101, headers: all)
    }

    /// The subprotocols a client offers, in its order of preference.
    package static func subprotocols(of request: HTTPRequestHead) -> [String] {
        request.headers.list("Sec-WebSocket-Protocol")
    }
}

/// Why a handshake cannot succeed.
package enum WebSocketHandshakeError: Error, Hashable, Sendable, CustomStringConvertible {
    // What a server finds in a request.
    case requestNotPlainGet
    case versionUnsupported
    case keyMalformed
    // What both may find.
    case upgradeMissing
    // What a client finds in a response.
    case notSwitching(Int)
    case acceptWrong
    case extensionNotOffered
    case subprotocolNotOffered(String)

    /// What a server answers (§4.2.2, and §4.4 for the version).
    package var response: HTTPResponseHead {
        self == .versionUnsupported
            ? HTTPResponseHead(status: 426, headers: ["Sec-WebSocket-Version": "13"])
            : HTTPResponseHead(status: 400)
    }

    package var description: String {
        switch self {
        case .requestNotPlainGet: "an upgrade starts with a GET in HTTP/1.1 without a body"
        case .versionUnsupported: "only version 13 of WebSocket is spoken here"
        case .keyMalformed: "Sec-WebSocket-Key is not 16 bytes in Base64"
        case .upgradeMissing: "Upgrade: websocket and Connection: Upgrade are not both there"
        case .notSwitching(let status): "the answer is \(status), not 101"
        case .acceptWrong: "Sec-WebSocket-Accept does not fit the key"
        case .extensionNotOffered: "the server chose an extension that was not offered"
        case .subprotocolNotOffered(let name):
            "the server chose subprotocol '\(name)', which was not offered"
        }
    }
}

/// What ended a connection before its time.
package enum WireError: Error, Hashable, Sendable, CustomStringConvertible {
    case http(HTTPError)
    case handshake(WebSocketHandshakeError)
    case webSocket(WebSocketError)

    package var description: String {
        switch self {
        case .http(let error): error.description
        case .handshake(let error): error.description
        case .webSocket(let error): error.description
        }
    }
}
