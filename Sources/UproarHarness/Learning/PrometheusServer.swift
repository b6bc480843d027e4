import UproarCore
import UproarPosix
import UproarRuntime
import UproarWire

/// A Prometheus server's query API (prometheus.io/docs, "HTTP API"), or a page of metrics, asked once.
struct PrometheusServer {
    /// Without a slash at the end.
    let base: String

    /// What counted as buckets of `metric` within `range` (`1h`).
    func buckets(of metric: String, range: String) throws -> [HistogramFile.Bucket] {
        let query = "increase(\(metric)_bucket[\(range)])"
        let answer = try json("/api/v1/query?query=" + PercentEncoding.encode(query))
        let result = answer["data"]?["result"]?.items ?? []
        return result.compactMap { series in
            guard let text = series["value"]?[1]?.text, let count = Double(text), count.isFinite
            else { return nil }
            let labels = (series["metric"]?.members ?? []).compactMap { member in
                member.value.text.map { PrometheusSample.Label(member.key, $0) }
            }
            return HistogramFile.Bucket(metric: metric, labels: labels, count: count)
        }
    }

    /// The histograms that the server has, by the names of their buckets.
    func histograms() throws -> [String] {
        let answer = try json("/api/v1/label/__name__/values")
        return (answer["data"]?.texts ?? []).filter { $0.hasSuffix("_bucket") }.map {
            String($0.dropLast("_bucket".count))
        }
    }

    private func json(_ path: String) throws -> JSONValue {
        let body = try WebPage.get(base + path)
        let answer: JSONValue
        do throws(JSONError) { answer = try JSONParser.parse(body) } catch {
            throw ScenarioLoading.Problem(
                "\(base): this is no Prometheus server: \(error)\n    more: docs/providers.md#learn"
            )
        }
        guard answer["status"]?.text == "success" else {
            throw ScenarioLoading.Problem(
                "\(base): \(answer["error"]?.text ?? "the query failed")\n    more: docs/providers.md#learn"
            )
        }
        return answer
    }
}

/// One page, fetched whole; blocks.
enum WebPage {
    private static let limit = 64 << 20

    static func get(_ url: String) throws -> [UInt8] {
        let driver = try PosixDriver(clock: .starting())
        let loop = EventLoop(driver: driver)
        let reader = Reader { loop.stop() }
        let client = CurlHTTPClient(loop: loop, driver: driver)
        var request = HTTPRequest(method: "GET", url: url)
        request.deadlines.total = .seconds(30)
        var exchange: (any HTTPExchange)?
        loop.schedule(at: loop.now) { exchange = client.send(request, handler: reader) }
        loop.run()
        withExtendedLifetime((exchange, client)) {}
        if let failure = reader.failure {
            throw ScenarioLoading.Problem("\(url) cannot be read: \(failure)")
        }
        // Prometheus words a wrong query in JSON behind a 4xx.
        guard reader.status == 200 || reader.body.first == UInt8(ascii: "{") else {
            throw ScenarioLoading.Problem("\(url) answers \(reader.status)")
        }
        return reader.body
    }

    private final class Reader: HTTPExchangeHandler {
        private let then: () -> Void
        private(set) var status = 0
        private(set) var body: [UInt8] = []
        private(set) var failure: String?

        init(_ then: @escaping () -> Void) { self.then = then }

        func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
            self.status = status
        }

        func received(body piece: RawSpan, on exchange: any HTTPExchange) {
            guard body.count + piece.byteCount <= WebPage.limit else {
                failure = "it is longer than \(WebPage.limit >> 20) MiB"
                exchange.cancel()
                return then()
            }
            piece.withUnsafeBytes { body.append(contentsOf: $0) }
        }

        func finished(_ exchange: any HTTPExchange) { then() }

        func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) {
            self.failure = "\(failure)"
            then()
        }
    }
}
