import UproarCore
import UproarCrypto
import UproarWire

/// The real vendor behind one provider of a run: where its requests go, and with which key.
package struct Upstream: Hashable, Sendable {
    package var provider: ProviderID
    /// Scheme, host and port, and a path that requests are put below. `wss` and `https` mean the same.
    package var url: WireURL
    package var key: UpstreamKey

    package init(provider: ProviderID, url: WireURL, key: UpstreamKey) {
        self.provider = provider
        self.url = url
        self.key = key
    }

    /// Fields that belong to one connection (RFC 9110 §7.6.1), or to the request's own framing.
    private static let hopByHop = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
    ]

    /// The fields of a message that travel on; all others are as they were, in their order.
    static func endToEnd(_ headers: HTTPHeaders) -> HTTPHeaders {
        let named = headers.list("Connection").map { $0.lowercased() }
        var kept = HTTPHeaders()
        for field in headers.fields {
            let name = field.name.lowercased()
            if !hopByHop.contains(name), !named.contains(name) { kept.add(field.name, field.value) }
        }
        return kept
    }

    /// A request as the vendor gets it: Host and key are its own, hop-by-hop fields stay behind, all else is as it came.
    package func rewritten(_ request: HTTPRequestHead, bodyCount: Int?) -> HTTPRequestHead {
        var head = request
        head.minorVersion = 1
        head.headers = Self.endToEnd(request.headers)
        head.headers["Host"] = url.authority
        if let bodyCount, bodyCount > 0 || request.headers.contains("Content-Length") {
            head.headers["Content-Length"] = String(bodyCount)
        }
        if url.path != "/" {
            let prefix = url.path.hasSuffix("/") ? String(url.path.dropLast()) : url.path
            head.target = prefix + head.target
        }
        key.put(into: &head, for: provider)
        return head
    }

    /// The same for an upgrade: without what the handshake makes anew. Extensions are not passed on, since the messages are ours to
    /// frame.
    package func rewrittenUpgrade(_ request: HTTPRequestHead) -> (
        url: WireURL, headers: HTTPHeaders, subprotocols: [String]
    ) {
        var head = rewritten(request, bodyCount: nil)
        let subprotocols = key.subprotocols(WebSocketHandshake.subprotocols(of: request))
        for field in head.headers.fields where field.name.lowercased().hasPrefix("sec-websocket-") {
            head.headers.remove(field.name)
        }
        var target = url
        target.scheme = url.scheme.isSecure ? .wss : .ws
        let parts = head.target.split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        target.path = String(parts[0])
        target.query = parts.count > 1 ? String(parts[1]) : nil
        return (target, head.headers, subprotocols)
    }
}

/// The person's own key at a vendor. It is never printed: not in configurations, logs, results or descriptions.
package enum UpstreamKey: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible
{
    /// The vendor asks for none.
    case none
    case key(String)
    /// Twilio's account and its token.
    case account(String, token: String)
    /// For requests that are signed (SigV4).
    case signature(accessKey: String, secretKey: String, sessionToken: String?)

    package var description: String { self == .none ? "no key" : "a key" }
    package var debugDescription: String { description }

    /// The variables in which a vendor's own libraries look for its key; all of them are needed.
    package static func variables(of provider: ProviderID) -> [String] {
        switch provider {
        case .deepgram: ["DEEPGRAM_API_KEY"]
        case .assemblyai: ["ASSEMBLYAI_API_KEY"]
        case .openai, .whisper: ["OPENAI_API_KEY"]
        case .anthropic: ["ANTHROPIC_API_KEY"]
        case .cartesia: ["CARTESIA_API_KEY"]
        case .elevenlabs: ["ELEVENLABS_API_KEY"]
        case .objectStore: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        case .sms: ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]
        case .redis, .workflow: []
        }
    }

    package struct Missing: Error, Hashable { package var names: [String] }

    /// - variable: a value of the environment; nil or empty where there is none.
    package static func read(
        of provider: ProviderID, _ variable: (String) -> String?
    ) throws(Missing) -> UpstreamKey {
        let names = variables(of: provider)
        let values = names.compactMap { name in variable(name).flatMap { $0.isEmpty ? nil : $0 } }
        guard values.count == names.count else {
            throw Missing(names: names.filter { (variable($0) ?? "").isEmpty })
        }
        switch provider {
        case .redis, .workflow: return .none
        case .sms: return .account(values[0], token: values[1])
        case .objectStore:
            return .signature(
                accessKey: values[0], secretKey: values[1],
                sessionToken: variable("AWS_SESSION_TOKEN"))
        default: return .key(values[0])
        }
    }

    /// Queries in which vendors' clients carry a key.
    private static let queryNames = ["api_key", "token", "access_token", "xi-api-key"]

    /// Puts the key where the client has put its own; a request without one stays without, for the vendor to refuse.
    func put(into head: inout HTTPRequestHead, for provider: ProviderID) {
        switch self {
        case .none: return
        case .key(let key):
            for name in ["x-api-key", "xi-api-key"] where head.headers.contains(name) {
                head.headers[name] = key
            }
            if let field = head.headers["Authorization"] {
                head.headers["Authorization"] = Self.field(like: field, key, for: provider)
            }
            putIntoQuery(key, of: &head, for: provider)
        case .account(let account, let token):
            guard head.headers.contains("Authorization") else { return }
            head.headers["Authorization"] =
                "Basic " + Base64.encode(Array("\(account):\(token)".utf8))
            // The account is part of the path, and the client has been told another one.
            let parts = head.target.split(separator: "/", omittingEmptySubsequences: false)
            if let place = parts.firstIndex(of: "Accounts"), place + 1 < parts.count,
                parts[place + 1].hasPrefix("AC")
            {
                var changed = parts.map(String.init)
                let old = changed[place + 1]
                let rest = old.drop { $0.isLetter || $0.isNumber }
                changed[place + 1] = account + rest
                head.target = changed.joined(separator: "/")
            }
        case .signature(let accessKey, let secretKey, let sessionToken):
            sign(&head, accessKey, secretKey, sessionToken)
        }
    }

    /// The scheme that the client chose, but that Deepgram's keys (unlike its short-lived tokens) want `Token`.
    private static func field(like field: String, _ key: String, for provider: ProviderID)
        -> String
    {
        let words = field.split(separator: " ", maxSplits: 1)
        guard words.count == 2 else { return key }
        return provider == .deepgram ? "Token \(key)" : "\(words[0]) \(key)"
    }

    private func putIntoQuery(
        _ key: String, of head: inout HTTPRequestHead, for provider: ProviderID
    ) {
        let halves = head.target.split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2 else { return }
        var pieces = halves[1].split(separator: "&", omittingEmptySubsequences: false)
            .map(String.init)
        var hasFound = false
        pieces = pieces.compactMap { piece -> String? in
            let name = String(piece.prefix { $0 != "=" })
            guard Self.queryNames.contains(name) else { return piece }
            hasFound = true
            // AssemblyAI takes short-lived tokens in the query, and keys in the header alone.
            return provider == .assemblyai ? nil : "\(name)=\(PercentEncoding.encode(key))"
        }
        guard hasFound else { return }
        if provider == .assemblyai { head.headers["Authorization"] = key }
        let query = pieces.joined(separator: "&")
        head.target = query.isEmpty ? String(halves[0]) : "\(halves[0])?\(query)"
    }

    /// Browsers' clients put the key into the subprotocols: Deepgram's `token, KEY`, OpenAI's `openai-insecure-api-key.KEY`.
    func subprotocols(_ offered: [String]) -> [String] {
        guard case .key(let key) = self else { return offered }
        let mark = "openai-insecure-api-key."
        return offered.enumerated().map { index, name in
            if name.hasPrefix(mark) { return mark + key }
            return index > 0 && ["token", "bearer"].contains(offered[index - 1].lowercased())
                ? key : name
        }
    }

    /// The client's signature is over its own host and key. A request that carries it in the URL stays as it is: nothing could make
    /// it valid but its maker.
    private func sign(
        _ head: inout HTTPRequestHead, _ accessKey: String, _ secretKey: String,
        _ sessionToken: String?
    ) {
        guard let old = head.headers["Authorization"].flatMap(SigV4Authorization.init),
            let date = head.headers["x-amz-date"]
        else { return }
        head.headers["x-amz-security-token"] = sessionToken.flatMap { $0.isEmpty ? nil : $0 }
        var names = old.signedHeaders.filter { $0 != "x-amz-security-token" }
        if head.headers.contains("x-amz-security-token") { names.append("x-amz-security-token") }
        let request = SigV4.Request(
            method: head.method, path: PercentEncoding.decode(head.path),
            query: head.query.items.map { .init($0.name, $0.value) },
            headers: head.headers.fields.filter { names.contains($0.name.lowercased()) }
                .map { .init($0.name, $0.value) },
            payloadHash: head.headers["x-amz-content-sha256"] ?? "UNSIGNED-PAYLOAD")
        let signer = SigV4(
            accessKey: accessKey, secretKey: secretKey, region: old.region, service: old.service)
        head.headers["Authorization"] = signer.authorization(for: request, date: date)
    }
}
