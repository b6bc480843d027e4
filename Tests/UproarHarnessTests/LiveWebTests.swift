import Testing
import UproarCore
import UproarRuntime
import UproarSimulation
import UproarStatistics

@testable import UproarHarness

@Suite struct LiveWebTests {
    /// One reader of a live page, in virtual time.
    private final class Reader: HTTPExchangeHandler {
        var status = 0
        var type = ""
        var body = ""
        var isOver = false

        func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
            self.status = status
            type = headers.first { $0.name.lowercased() == "content-type" }?.value ?? ""
        }

        func received(body: RawSpan, on exchange: any HTTPExchange) {
            var bytes: [UInt8] = []
            body.withUnsafeBytes { bytes.append(contentsOf: $0) }
            self.body += String(decoding: bytes, as: UTF8.self)
        }

        func finished(_ exchange: any HTTPExchange) { isOver = true }
        func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) { isOver = true }
    }

    private struct World {
        let world = SimulatedWorld()
        let web: LiveWeb
        let client: SimulatedHTTPClient
        var made = 0

        init() throws {
            let result = RunResult(
                scenario: .init(name: "quickstart"), seed: 7, world: .live, commit: "", version: "",
                command: "uproar run x", target: "embedded", priceBook: "")
            web = try LiveWeb(network: world.network, host: "127.0.0.1", port: 0) { result }
            client = SimulatedHTTPClient(loop: world.loop, network: world.network)
        }

        func get(_ path: String, method: String = "GET") -> Reader {
            let reader = Reader()
            _ = client.send(
                HTTPRequest(method: method, url: web.url.dropLast() + path), handler: reader)
            for _ in 0..<10_000 where !reader.isOver { guard world.loop.runOnce() else { break } }
            return reader
        }
    }

    @Test func thePageIsTheReportWithTheRunGoingOn() throws {
        let page = try World().get("/")
        #expect(page.status == 200)
        #expect(page.type.hasPrefix("text/html"))
        #expect(page.body.contains("RUNNING"))
        #expect(page.body.contains("new EventSource('/events')"))
        // What has not ended has no exit code.
        #expect(!page.body.contains("exit 4"))
    }

    @Test func figuresForPrometheusAndTheResultAreThere() throws {
        let world = try World()
        let metrics = world.get("/metrics")
        #expect(metrics.type.hasPrefix("application/openmetrics-text"))
        #expect(metrics.body.hasSuffix("# EOF\n"))
        let result = world.get("/result.json")
        #expect(try RunResult(decoding: Array(result.body.utf8)).isPartial)
    }

    @Test func theWebIsReadOnlyAndSaysWhatThereIs() throws {
        let world = try World()
        #expect(world.get("/", method: "POST").status == 405)
        let nothing = world.get("/secrets")
        #expect(nothing.status == 404)
        #expect(nothing.body.contains("/events"))
    }

    @Test func eventsCarryTheLiveViewsFigures() throws {
        let world = try World()
        let reader = Reader()
        _ = world.client.send(
            HTTPRequest(method: "GET", url: world.web.url + "events"), handler: reader)
        for _ in 0..<200 where reader.status == 0 {
            guard world.world.loop.runOnce() else { break }
        }
        #expect(reader.type == "text/event-stream")
        var snapshot = LiveSnapshot()
        snapshot.turns = 12
        world.web.show(snapshot)
        for _ in 0..<200 where reader.body.isEmpty {
            guard world.world.loop.runOnce() else { break }
        }
        #expect(reader.body.hasPrefix("data: {"))
        #expect(reader.body.hasSuffix("\n\n"))
        #expect(reader.body.contains("\"turns\":12"))
        // The end of the run does not wait for a reader.
        world.web.close()
        for _ in 0..<200 where !reader.isOver { guard world.world.loop.runOnce() else { break } }
        #expect(reader.isOver)
    }
}
