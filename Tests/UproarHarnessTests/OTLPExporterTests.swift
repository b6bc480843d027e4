import Testing
import UproarCore
import UproarReports
import UproarRuntime
import UproarSimulation
import UproarStatistics

@testable import UproarHarness

@Suite struct OTLPExporterTests {
    /// Answers each request with a status, or keeps it.
    private final class Collector: HTTPClient {
        final class Exchange: HTTPExchange { func cancel() {} }
        var status: Int? = 200
        var requests: [HTTPRequest] = []
        let loop: EventLoop
        init(_ loop: EventLoop) { self.loop = loop }

        func send(_ request: HTTPRequest, handler: any HTTPExchangeHandler) -> any HTTPExchange {
            requests.append(request)
            let exchange = Exchange()
            if let status {
                loop.schedule(at: loop.now + .milliseconds(1)) {
                    handler.answered(status: status, headers: [], on: exchange)
                    handler.finished(exchange)
                }
            }
            return exchange
        }
    }

    private final class World {
        let world = SimulatedWorld()
        let collector: Collector
        let exporter: OTLPExporter
        var isOver = false

        init() {
            collector = Collector(world.loop)
            exporter = OTLPExporter(
                .init(endpoint: "http://127.0.0.1:4318/", headers: [HTTPField("x-key", "k")]),
                run: OTLPRun(scenario: "s", seed: 1, commit: "", version: "", origin: 0),
                http: collector, loop: world.loop)
        }

        func call(_ id: UInt32, turns: Int = 1) -> CallRecord {
            var call = CallRecord(
                CallDescription(id: id, tags: [:], isTagged: true, patience: .seconds(1)),
                outcome: .completed)
            call.turns = (0..<turns).map {
                TurnRecord(utterance: UInt32($0 + 1), clip: 0, began: .zero, ended: .zero)
            }
            return call
        }

        func flush() {
            exporter.flush { self.isOver = true }
            for _ in 0..<10_000 where !isOver { guard world.loop.runOnce() else { break } }
        }
    }

    @Test func everySpanLeavesBeforeTheRunEnds() {
        let world = World()
        for id in 0..<1200 { world.exporter.take(world.call(UInt32(id))) }
        world.flush()
        #expect(world.isOver && world.exporter.counts.spansSent == 2400)
        #expect(world.collector.requests.allSatisfy { $0.url == "http://127.0.0.1:4318/v1/traces" })
        #expect(
            world.collector.requests.allSatisfy { $0.headers.contains(HTTPField("x-key", "k")) })
        #expect(world.exporter.problem == nil)
    }

    @Test func aCollectorThatNeverAnswersHoldsNobodyUp() {
        let world = World()
        world.collector.status = nil
        for id in 0..<1200 { world.exporter.take(world.call(UInt32(id))) }
        let start = world.world.loop.now
        world.flush()
        #expect(world.isOver && world.world.loop.now == start + OTLPExporter.farewell)
        #expect(world.exporter.counts.spansDropped > 0)
    }

    @Test func whatIsRefusedIsCountedAndNotSentAgain() {
        let world = World()
        world.collector.status = 503
        world.exporter.take(world.call(1))
        world.flush()
        #expect(world.collector.requests.count == 1)
        #expect(
            world.exporter.problem
                == "OTLP: 0 spans sent, 2 dropped; 1 requests failed, last: HTTP 503")
    }

    @Test func theQueueHasABound() {
        let world = World()
        world.collector.status = nil
        for id in 0..<20 { world.exporter.take(world.call(UInt32(id), turns: 1000)) }
        #expect(world.exporter.counts.spansDropped > 0)
    }

    @Test func headersComeAsOpenTelemetryWritesThem() {
        #expect(
            OTLPExporter.Settings.headers("api-key=a%2Cb, tenant=7,=x,junk")
                == [HTTPField("api-key", "a,b"), HTTPField("tenant", "7")])
    }
}
