import UproarCore
import UproarFaults
import UproarRuntime

/// The proxies of a stand-alone link and what Toxiproxy's control interface does to them. Requests in, answers out; the HTTP around
/// it is `ControlServer`'s.
///
/// ```
///  GET POST        /proxies                          POST /populate   POST /reset   GET /version
///  GET POST PATCH DELETE /proxies/{proxy}
///  GET POST        /proxies/{proxy}/toxics
///  GET POST PATCH DELETE /proxies/{proxy}/toxics/{toxic}
/// ```
package final class ProxyTable {
    package struct Answer: Hashable, Sendable {
        package var status: Int
        /// nil: no body.
        package var body: JSONValue?
    }

    package private(set) var proxies: [LinkProxy] = []
    /// Hosts beside this machine's own that proxies may listen on or lead to.
    private let allowedHosts: [String]
    private let loop: EventLoop
    private let network: any Network
    private let seed: Seed
    package var onEffect: ((String, FaultPlan, Instant) -> Void)?

    private static let proxyLimit = 1_000
    private static let toxicLimit = 100
    /// Clients tell the form of the interface by it: that of Toxiproxy 2.5.
    package static let version = "2.5.0"

    package init(allowedHosts: [String], loop: EventLoop, network: any Network, seed: Seed) {
        self.allowedHosts = allowedHosts
        self.loop = loop
        self.network = network
        self.seed = seed
    }

    /// A proxy that the person asked for by flags: it may be anywhere.
    package func add(_ proxy: LinkProxy) {
        proxies.append(proxy)
        proxy.onEffect = { [weak self, name = proxy.name] in self?.onEffect?(name, $0, $1) }
    }

    package func close() { for proxy in proxies { proxy.disable() } }

    // MARK: Requests

    package func answer(_ method: String, _ target: String, body: [UInt8]) -> Answer {
        do throws(ProxyProblem) {
            return try route(method, target, body)
        } catch {
            return Answer(
                status: error.status,
                body: [
                    "error": .string(error.words), "title": .string(error.words),
                    "status": .integer(Int64(error.status)),
                ])
        }
    }

    private func route(_ method: String, _ target: String, _ body: [UInt8]) throws(ProxyProblem)
        -> Answer
    {
        let path = target.prefix { $0 != "?" }
        let parts = path.split(separator: "/").map { Self.decoded($0) }
        switch (method, parts.count, parts.first) {
        case ("GET", 1, "version"):
            return Answer(status: 200, body: ["version": .string(Self.version)])
        case ("POST", 1, "reset"):
            for proxy in proxies {
                proxy.removeToxics()
                try enable(proxy)
            }
            return Answer(status: 204)
        case ("POST", 1, "populate"): return try populate(try json(body))
        case ("GET", 1, "proxies"):
            return Answer(
                status: 200, body: .object(proxies.map { .init($0.name, $0.json) }))
        case ("POST", 1, "proxies"):
            return Answer(status: 201, body: try create(try json(body)).json)
        case (_, 2..., "proxies"):
            guard let proxy = proxies.first(where: { $0.name == parts[1] }) else {
                throw .noProxy
            }
            if parts.count == 2 { return try one(proxy, method, body) }
            guard parts[2] == "toxics", parts.count <= 4 else { throw .bad("no such page") }
            return parts.count == 3
                ? try toxics(of: proxy, method, body)
                : try toxic(parts[3], of: proxy, method, body)
        default: throw ProxyProblem(status: 404, words: "no such page: \(method) \(path)")
        }
    }

    private func json(_ body: [UInt8]) throws(ProxyProblem) -> JSONValue {
        do { return try JSONParser.parse(body) } catch { throw .bad("bad request body: \(error)") }
    }

    private func one(_ proxy: LinkProxy, _ method: String, _ body: [UInt8]) throws(ProxyProblem)
        -> Answer
    {
        switch method {
        case "GET": return Answer(status: 200, body: proxy.json)
        case "POST", "PATCH":
            let json = try json(body)
            let listen = try json["listen"]?.text.map { text throws(ProxyProblem) in
                try endpoint(text, "listen")
            }
            let upstream = try json["upstream"]?.text.map { text throws(ProxyProblem) in
                try endpoint(text, "upstream")
            }
            let isEnabled = json["enabled"]?.isTrue ?? proxy.isEnabled
            proxy.move(listen: listen ?? proxy.listen, upstream: upstream ?? proxy.upstream)
            if isEnabled { try enable(proxy) } else { proxy.disable() }
            return Answer(status: 200, body: proxy.json)
        case "DELETE":
            proxy.disable()
            proxies.removeAll { $0 === proxy }
            return Answer(status: 204)
        default: throw ProxyProblem(status: 405, words: "\(method) is not for a proxy")
        }
    }

    private func create(_ json: JSONValue) throws(ProxyProblem) -> LinkProxy {
        guard let name = json["name"]?.text, !name.isEmpty else { throw .missing("name") }
        guard let upstream = json["upstream"]?.text, !upstream.isEmpty else {
            throw .missing("upstream")
        }
        guard !proxies.contains(where: { $0.name == name }) else { throw .proxyExists }
        guard proxies.count < Self.proxyLimit else { throw .bad("there are too many proxies") }
        let listen = json["listen"]?.text ?? ""
        let proxy = LinkProxy(
            name: name, listen: try endpoint(listen.isEmpty ? "127.0.0.1:0" : listen, "listen"),
            upstream: try endpoint(upstream, "upstream"), loop: loop, network: network,
            seed: Seed(seed.key(text: name)))
        if json["enabled"]?.isTrue ?? true { try enable(proxy) }
        add(proxy)
        return proxy
    }

    private func enable(_ proxy: LinkProxy) throws(ProxyProblem) {
        do { try proxy.enable() } catch {
            throw ProxyProblem(status: 500, words: "\(error)")
        }
    }

    /// Makes what is not there, and leaves what is as it should be alone.
    private func populate(_ json: JSONValue) throws(ProxyProblem) -> Answer {
        guard let items = json.items ?? json["proxies"]?.items else {
            throw .bad("a list of proxies is due")
        }
        var made: [JSONValue] = []
        for item in items {
            let old = proxies.first { $0.name == item["name"]?.text }
            if let old {
                let listen = try endpoint(item["listen"]?.text ?? "", "listen")
                let upstream = try endpoint(item["upstream"]?.text ?? "", "upstream")
                if (old.listen == listen || listen.port == 0) && old.upstream == upstream {
                    made.append(old.json)
                    continue
                }
                old.disable()
                proxies.removeAll { $0 === old }
            }
            made.append(try create(item).json)
        }
        return Answer(status: 201, body: ["proxies": .array(made)])
    }

    // MARK: Toxics

    private func toxics(of proxy: LinkProxy, _ method: String, _ body: [UInt8])
        throws(ProxyProblem) -> Answer
    {
        switch method {
        case "GET": return Answer(status: 200, body: .array(proxy.toxics.map(\.json)))
        case "POST":
            let toxic = try Toxic(try json(body))
            guard proxy.toxic(toxic.name) == nil else { throw .toxicExists }
            guard proxy.toxics.count < Self.toxicLimit else { throw .bad("too many toxics") }
            proxy.add(toxic)
            return Answer(status: 200, body: toxic.json)
        default: throw ProxyProblem(status: 405, words: "\(method) is not for toxics")
        }
    }

    private func toxic(_ name: String, of proxy: LinkProxy, _ method: String, _ body: [UInt8])
        throws(ProxyProblem) -> Answer
    {
        guard var toxic = proxy.toxic(name) else { throw .noToxic }
        switch method {
        case "GET": return Answer(status: 200, body: toxic.json)
        case "POST", "PATCH":
            try toxic.take(try json(body))
            proxy.update(toxic)
            return Answer(status: 200, body: toxic.json)
        case "DELETE":
            proxy.remove(name)
            return Answer(status: 204)
        default: throw ProxyProblem(status: 405, words: "\(method) is not for a toxic")
        }
    }

    // MARK: Addresses

    /// `HOST:PORT`, on this machine or where the person has allowed it by name.
    private func endpoint(_ text: String, _ field: String) throws(ProxyProblem) -> Endpoint {
        guard let endpoint = LinkAddress.parse(text), case .tcp(let host, _) = endpoint else {
            throw .bad("\(field): \"\(text)\" is no HOST:PORT")
        }
        guard LinkAddress.isOwn(host) || allowedHosts.contains(host) else {
            throw ProxyProblem(
                status: 403,
                words:
                    "\(field): \(host) is not this machine; start uproar link with --allow \(host)")
        }
        return endpoint
    }

    private static func decoded(_ part: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(part.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension LinkProxy {
    var json: JSONValue {
        [
            "name": .string(name), "listen": .string(listen.description),
            "upstream": .string(upstream.description), "enabled": .bool(isEnabled),
            "toxics": .array(toxics.map(\.json)),
        ]
    }
}
