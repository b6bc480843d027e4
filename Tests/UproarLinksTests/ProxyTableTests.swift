import Testing
import UproarCore
import UproarLinks
import UproarRuntime
import UproarSimulation

/// Toxiproxy's calls, as its clients make them, without the HTTP around them.
@Suite struct ProxyTableTests {
    private final class Stage {
        let link: LinkStage
        let table: ProxyTable
        /// Of the server behind the stage's own relay.
        let upstream: String

        init() throws {
            link = try LinkStage()
            upstream = link.relay.settings.upstream.description
            table = ProxyTable(
                allowedHosts: ["db.example"], loop: link.world.loop, network: link.world.network,
                seed: Seed(1))
        }

        @discardableResult
        func call(_ method: String, _ path: String, _ body: String = "") -> (Int, JSONValue?) {
            let answer = table.answer(method, path, body: Array(body.utf8))
            return (answer.status, answer.body)
        }

        func create(_ name: String = "p") -> UInt16 {
            call("POST", "/proxies", #"{"name":"\#(name)","upstream":"\#(upstream)"}"#)
            return table.proxies.last?.listen.port ?? 0
        }

        func connect(_ port: UInt16) -> LinkPeer {
            let peer = LinkPeer()
            peer.stream = link.world.network.connect(
                to: .loopback(port), options: ConnectOptions(), handler: peer)
            link.run(.zero)
            return peer
        }
    }

    @Test func aProxyIsMadeAndListed() throws {
        let stage = try Stage()
        let port = stage.create()
        #expect(port != 0)
        let (status, list) = stage.call("GET", "/proxies")
        #expect(status == 200)
        #expect(list?["p"]?["listen"]?.text == "127.0.0.1:\(port)")
        #expect(list?["p"]?["enabled"]?.isTrue == true)
        let peer = stage.connect(port)
        peer.send("hello")
        stage.link.run(.zero)
        #expect(stage.link.served.last?.text == "hello")
    }

    /// Each toxic by its own defaults, and what it does.
    @Test func latencyIsDownstreamByDefault() throws {
        let stage = try Stage()
        let port = stage.create()
        let (status, toxic) = stage.call(
            "POST", "/proxies/p/toxics", #"{"type":"latency","attributes":{"latency":250}}"#)
        #expect(status == 200 && toxic?["name"]?.text == "latency_downstream")
        let peer = stage.connect(port)
        let server = try #require(stage.link.served.last)
        server.send("x")
        stage.link.run(.milliseconds(249))
        #expect(peer.bytes.isEmpty)
        stage.link.run(.milliseconds(1))
        #expect(peer.text == "x")
        stage.call(
            "POST", "/proxies/p/toxics/latency_downstream", #"{"attributes":{"latency":10}}"#)
        server.send("y")
        stage.link.run(.milliseconds(10))
        #expect(peer.text == "xy")
        #expect(stage.call("DELETE", "/proxies/p/toxics/latency_downstream").0 == 204)
        server.send("z")
        stage.link.run(.zero)
        #expect(peer.text == "xyz")
    }

    @Test func timeoutSwallowsAndThenCloses() throws {
        let stage = try Stage()
        let port = stage.create()
        stage.call("POST", "/proxies/p/toxics", #"{"type":"timeout","attributes":{"timeout":500}}"#)
        let peer = stage.connect(port)
        try #require(stage.link.served.last).send("lost")
        stage.link.run(.milliseconds(499))
        #expect(peer.bytes.isEmpty && peer.reason == nil)
        stage.link.run(.milliseconds(1))
        #expect(peer.reason == .ended)
    }

    @Test func timeoutWithoutTimeClosesWhenItIsRemoved() throws {
        let stage = try Stage()
        let port = stage.create()
        stage.call(
            "POST", "/proxies/p/toxics", #"{"name":"t","type":"timeout","stream":"upstream"}"#)
        let peer = stage.connect(port)
        peer.send("lost")
        stage.link.run(.seconds(100))
        #expect(stage.link.served.last?.bytes.isEmpty == true && peer.reason == nil)
        stage.call("DELETE", "/proxies/p/toxics/t")
        stage.link.run(.zero)
        #expect(peer.reason == .ended)
    }

    @Test(arguments: [
        (#"{"type":"bandwidth","attributes":{"rate":10}}"#, 1_000),
        (#"{"type":"slicer","attributes":{"average_size":100,"delay":10000}}"#, 990),
    ])
    func tenThousandBytesTakeTheirTime(toxic: String, milliseconds: Int) throws {
        let stage = try Stage()
        let port = stage.create()
        #expect(stage.call("POST", "/proxies/p/toxics", toxic).0 == 200)
        let peer = stage.connect(port)
        try #require(stage.link.served.last).send([UInt8](repeating: 1, count: 10_000))
        stage.link.run(.milliseconds(milliseconds - 1))
        #expect(peer.bytes.count < 10_000)
        stage.link.run(.milliseconds(1))
        #expect(peer.bytes.count == 10_000)
    }

    @Test func limitDataAndResetPeer() throws {
        let stage = try Stage()
        let port = stage.create()
        stage.call("POST", "/proxies/p/toxics", #"{"type":"limit_data","attributes":{"bytes":3}}"#)
        let peer = stage.connect(port)
        try #require(stage.link.served.last).send("abcdef")
        stage.link.run(.zero)
        #expect(peer.text == "abc" && peer.reason == .ended)
        stage.call("POST", "/reset")
        stage.call(
            "POST", "/proxies/p/toxics", #"{"type":"reset_peer","attributes":{"timeout":20}}"#)
        let other = stage.connect(port)
        stage.link.run(.milliseconds(20))
        #expect(other.reason != nil && other.reason != .ended)
    }

    @Test func toxicityIsAShareOfConnections() throws {
        let stage = try Stage()
        let port = stage.create()
        stage.call(
            "POST", "/proxies/p/toxics",
            #"{"type":"limit_data","toxicity":0.25,"attributes":{"bytes":0}}"#)
        let peers = (0..<400).map { _ in stage.connect(port) }
        stage.link.run(.zero)
        // 99.9 % of binomial draws.
        #expect((72...128).contains(peers.count { $0.reason != nil }))
    }

    @Test func disablingEndsAndEnablingBringsBackTheSamePort() throws {
        let stage = try Stage()
        let port = stage.create()
        let peer = stage.connect(port)
        stage.call("POST", "/proxies/p", #"{"enabled":false}"#)
        stage.link.run(.zero)
        #expect(peer.reason != nil)
        let refused = stage.connect(port)
        #expect(refused.reason != nil)
        stage.call("PATCH", "/proxies/p", #"{"enabled":true}"#)
        #expect(stage.connect(port).reason == nil)
        #expect(stage.table.proxies.first?.listen.port == port)
    }

    @Test func populateKeepsWhatIsThere() throws {
        let stage = try Stage()
        let port = stage.create()
        let peer = stage.connect(port)
        let (status, made) = stage.call(
            "POST", "/populate",
            #"[{"name":"p","listen":"127.0.0.1:\#(port)","upstream":"\#(stage.upstream)"},{"name":"q","upstream":"\#(stage.upstream)"}]"#
        )
        #expect(status == 201 && made?["proxies"]?.items?.count == 2)
        #expect(peer.reason == nil)
        #expect(stage.table.proxies.map(\.name) == ["p", "q"])
    }

    @Test(arguments: [
        ("POST", "/proxies", #"{"upstream":"127.0.0.1:1"}"#, 400),
        ("POST", "/proxies", #"{"name":"x"}"#, 400),
        ("POST", "/proxies", #"{"name":"p","upstream":"127.0.0.1:1"}"#, 409),
        ("POST", "/proxies", #"{"name":"x","upstream":"192.0.2.1:80"}"#, 403),
        ("POST", "/proxies", #"{"name":"x","listen":"0.0.0.0:0","upstream":"127.0.0.1:1"}"#, 403),
        ("POST", "/proxies", "not JSON", 400),
        ("POST", "/proxies/p/toxics", #"{"type":"unknown"}"#, 400),
        ("POST", "/proxies/p/toxics", #"{"type":"latency","stream":"sideways"}"#, 400),
        ("POST", "/proxies/p/toxics", #"{"type":"latency","toxicity":2}"#, 400),
        ("POST", "/proxies/p/toxics", #"{"type":"latency","attributes":{"latency":-1}}"#, 400),
        ("GET", "/proxies/none", "", 404), ("GET", "/proxies/p/toxics/none", "", 404),
        ("GET", "/elsewhere", "", 404), ("PUT", "/proxies/p", "", 405),
    ])
    func whatIsWrongIsToldInToxiproxysForm(
        method: String, path: String, body: String, status: Int
    ) throws {
        let stage = try Stage()
        _ = stage.create()
        let (seen, answer) = stage.call(method, path, body)
        #expect(seen == status)
        #expect(answer?["error"]?.text?.isEmpty == false && answer?["status"]?.int == status)
    }

    @Test func hostsThatWereAllowedByNameMayBeNamed() throws {
        let stage = try Stage()
        #expect(
            stage.call("POST", "/proxies", #"{"name":"x","upstream":"db.example:5432"}"#).0 == 201)
    }
}
