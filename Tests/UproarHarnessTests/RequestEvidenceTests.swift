import Glibc
import Testing
import UproarCore
import UproarPosix
import UproarRuntime
import UproarWire

@testable import UproarHarness
@testable import UproarProviders

/// The request log as a run's file, on the door of emulators started by hand, and as Prometheus reads it.
@Suite struct RequestEvidenceTests {
    private let reference = TurnReference(call: 3, utterance: 2, reply: 1)

    private func ms(_ count: Int64) -> Instant { Instant(nanoseconds: count * 1_000_000) }

    private func requests(_ log: RequestLog, _ times: [Int64]) -> [ProviderRequest] {
        var ended: [ProviderRequest] = []
        log.onRequest = { ended.append($0) }
        for time in times {
            let entry = log.open(.cartesia, "live", .exchange, on: nil, at: .zero)
            entry.reference = reference
            entry.answers(at: ms(time))
            var usage = ProviderUsage()
            usage.characters = 100
            usage.audio = .seconds(6)
            entry.add(usage)
            entry.close(.answered, at: ms(time + 100))
        }
        return ended
    }

    private let prices = PriceBook(
        name: "p",
        prices: [
            .init(
                .cartesia, model: "sonic", unit: .audioMinute, dollars: 0.05, asOf: "2026-01",
                source: "test")
        ])

    @Test func aRunsFileCountsFromItsFirstCallAndTellsWhatItLeftOut() throws {
        var template = Array("/tmp/uproar-requests-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            for name in ["requests.jsonl", "calls.jsonl", "journal.jsonl"] {
                unlink(path + "/" + name)
            }
        }
        let file = RequestFile(
            folder: try RunFolder(path: path), seed: Seed(9), prices: prices)
        let made = requests(RequestLog(), [40, 90])
        // Before anybody knows when the first call was due.
        file.take(made[0])
        file.began(at: ms(1000))
        file.take(messages: .array([made[1].message]), shiftedBy: .seconds(2))
        file.finish()
        let lines = String(decoding: try TextFile.read(path + "/requests.jsonl"), as: UTF8.self)
            .split(separator: "\n").compactMap { try? JSONParser.parse(Array($0.utf8)) }
        #expect(lines.map { $0["first_ms"]?.double } == [-960, 1090])
        let cost = try #require(prices.cost(of: made[0].usage, provider: .cartesia))
        #expect(abs(cost - 0.005) < 1e-9)
        #expect(lines.map { $0["cost_dollars"]?.double } == [cost, cost])
        let words = Proquint.words(ReferenceKey(Seed(9)).wire(reference))
        #expect(lines.map { $0["reference"]?.text } == [words, words])
        #expect(lines.map { $0["utterance"]?.int } == [2, 2])
    }

    @Test func theDoorTellsTheLastRequestsAndRefusesWhatItDoesNotKnow() throws {
        let driver = try PosixDriver(clock: .starting())
        let network = PosixNetwork(loop: EventLoop(driver: driver), driver: driver)
        let log = RequestLog()
        let door = try RequestDoor(
            port: 0, words: { _ in "lusab babad" }, prices: prices,
            counters: { [prices] in RequestCounters(log: log, providers: [], prices: prices) },
            network: network)
        for request in requests(log, (1...1_010).map { $0 }) { door.take(request) }
        func page(_ target: String, _ method: String = "GET") -> RequestDoor.Page {
            door.page(HTTPRequestHead(method: method, target: target, headers: [:]))
        }
        func numbers(_ target: String) -> [Int] {
            String(decoding: page(target).body, as: UTF8.self).split(separator: "\n").compactMap {
                (try? JSONParser.parse(Array($0.utf8)))?["number"]?.int
            }
        }
        #expect(numbers("/uproar/requests") == Array(11...1_010))
        #expect(numbers("/uproar/requests?last=2") == [1_009, 1_010])
        #expect(numbers("/uproar/requests?after=1008&provider=cartesia") == [1_009, 1_010])
        #expect(numbers("/uproar/requests?provider=openai").isEmpty)
        #expect(page("/uproar/requests?provider=acme").status == 400)
        #expect(page("/else").status == 404)
        #expect(page("/metrics", "POST").status == 405)
        let counters = try JSONParser.parse(page("/uproar/counters").body)
        let first = counters["operations"]?[0]
        #expect(first?["answered"]?.int == 1_010)
        #expect(first?["usage"]?["characters"]?.int == 101_000)
        withExtendedLifetime(door) {}
    }

    @Test func whatOurOwnCountersTellPrometheusIsLearnedBack() throws {
        let log = RequestLog()
        _ = requests(log, [40, 90, 90, 450])
        let page = PrometheusText.write(
            RequestCounters(log: log, providers: [], prices: prices).families)
        var ledger = LatencyLedger()
        try HistogramFile.read(page, file: "metrics", .init(), into: &ledger)
        let curve = try #require(
            ledger.entries[.init(provider: .cartesia, operation: "live")]?.buckets)
        #expect(curve.count == 4)
        let (low, high) = curve.bucket(of: 0.5)
        #expect(low == .milliseconds(75) && high == .milliseconds(100))
        #expect(
            String(decoding: page, as: UTF8.self).contains(
                "uproar_provider_cost_dollars_total{provider=\"cartesia\",operation=\"live\"} 0.02")
        )
    }

    @Test func theOutboxHoldsABoundedNumberAndComesInBatches() {
        var outbox = RequestOutbox()
        for request in requests(RequestLog(), Array(repeating: 5, count: 1_200)) {
            outbox.put(request)
        }
        #expect(outbox.take()?.items?.count == 1_000)
        #expect(outbox.take()?.items?.count == 200)
        #expect(outbox.take() == nil)
    }
}
