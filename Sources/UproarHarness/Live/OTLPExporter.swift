import Glibc
import UproarCore
import UproarPosix
import UproarReports
import UproarRuntime
import UproarStatistics

/// Posts a run's turns and figures to an OpenTelemetry collector (OTLP over HTTP, JSON) while it goes on.
///
/// Lives on the control loop. One request is out at a time; what comes in faster than it leaves is dropped and counted, what the collector
/// refuses is not sent again. The end of a run waits for it at most `farewell`.
package final class OTLPExporter {
    package static let spanLimit = 20_000
    static let batch = 1000
    static let farewell = Duration.seconds(2)

    /// Where to post, and with what: secrets in the headers stay in here.
    package struct Settings: Sendable {
        /// Without `/v1/traces`.
        package var endpoint: String
        package var headers: [HTTPField]

        package init(endpoint: String, headers: [HTTPField] = []) {
            self.endpoint = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
            self.headers = headers
        }

        /// `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`, values percent-encoded.
        package static func headers(_ text: String) -> [HTTPField] {
            text.split(separator: ",").compactMap { pair in
                guard let equals = pair.firstIndex(of: "=") else { return nil }
                let name = pair[..<equals].filter { $0 != " " }
                let value = String(pair[pair.index(after: equals)...])
                return name.isEmpty
                    ? nil : HTTPField(String(name), PercentEncoding.decode(value))
            }
        }
    }

    package struct Counts: Hashable, Sendable {
        package var spansSent = 0
        package var spansDropped = 0
        package var postsFailed = 0
        package var lastFailure: String?
    }

    package private(set) var counts = Counts()
    private let settings: Settings
    private let run: OTLPRun
    private let http: any HTTPClient
    private let loop: EventLoop
    private var waiting: [JSONValue] = []
    private var figures: [UInt8]?
    private var isPosting = false
    private var onIdle: (() -> Void)?

    package init(_ settings: Settings, run: OTLPRun, http: any HTTPClient, loop: EventLoop) {
        self.settings = settings
        self.run = run
        self.http = http
        self.loop = loop
    }

    package func take(_ call: CallRecord) {
        let spans = OTLPTraces(run).spans(call)
        guard waiting.count + spans.count <= Self.spanLimit else {
            counts.spansDropped += spans.count
            return
        }
        waiting += spans
        if waiting.count >= Self.batch { post() }
    }

    /// The figures so far; earlier ones that have not left yet are dropped.
    package func take(_ result: RunResult, now: Instant) {
        figures = OTLPMetrics(run).body(result, now: now)
        post()
    }

    /// Sends what is left, then calls `then`; no later than `farewell` from now.
    package func flush(then: @escaping () -> Void) {
        onIdle = then
        loop.schedule(at: loop.now + Self.farewell) { [weak self] in self?.leave() }
        post()
    }

    private func leave() {
        guard let then = onIdle else { return }
        onIdle = nil
        counts.spansDropped += waiting.count
        waiting = []
        then()
    }

    private func post() {
        guard !isPosting else { return }
        if let body = figures {
            figures = nil
            return post("/v1/metrics", body, spans: 0)
        }
        guard !waiting.isEmpty else { return leave() }
        let spans = Array(waiting.prefix(Self.batch))
        waiting.removeFirst(spans.count)
        post("/v1/traces", OTLPTraces(run).body(spans), spans: spans.count)
    }

    private func post(_ path: String, _ body: [UInt8], spans: Int) {
        isPosting = true
        var request = HTTPRequest(
            method: "POST", url: settings.endpoint + path,
            headers: [HTTPField("Content-Type", "application/json")] + settings.headers, body: body)
        request.deadlines.connect = .seconds(2)
        request.deadlines.total = .seconds(10)
        let exchange = OTLPPost { [weak self] failure in self?.posted(spans, failure) }
        // The client keeps its handler until the exchange is over.
        _ = http.send(request, handler: exchange)
    }

    private func posted(_ spans: Int, _ failure: String?) {
        isPosting = false
        if let failure {
            counts.postsFailed += 1
            counts.spansDropped += spans
            counts.lastFailure = failure
        } else {
            counts.spansSent += spans
        }
        post()
    }
}

/// One request, of which only the status counts.
private final class OTLPPost: HTTPExchangeHandler {
    private let then: (String?) -> Void
    private var status = 0

    init(_ then: @escaping (String?) -> Void) { self.then = then }

    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        self.status = status
    }

    func received(body: RawSpan, on exchange: any HTTPExchange) {}

    func finished(_ exchange: any HTTPExchange) {
        then((200..<300).contains(status) ? nil : "HTTP \(status)")
    }

    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) { then("\(failure)") }
}

extension OTLPExporter {
    /// Of a live run that is to be exported; nil when it is not. - origin: the first due arrival, on the run's clock.
    convenience init?(
        _ settings: Settings?, origin: Instant, plan: RunPlan, _ results: RunResults,
        _ loop: EventLoop, _ driver: PosixDriver
    ) {
        guard let settings else { return nil }
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        // The origin lies a little ahead.
        let now = Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec)
        let run = OTLPRun(
            scenario: results.result.scenario.name, seed: plan.seed.value,
            commit: results.result.commit,
            version: results.result.version, origin: now + (origin - loop.now).nanoseconds)
        self.init(
            settings, run: run, http: CurlHTTPClient(loop: loop, driver: driver), loop: loop)
        let onCall = results.recorder.onCall
        results.recorder.onCall = { [weak self] call in
            onCall?(call)
            self?.take(call)
        }
    }

    /// What a person should know of an export that was not whole.
    var problem: String? {
        guard counts.postsFailed > 0 || counts.spansDropped > 0 else { return nil }
        return "OTLP: \(counts.spansSent) spans sent, \(counts.spansDropped) dropped"
            + (counts.lastFailure.map { "; \(counts.postsFailed) requests failed, last: \($0)" }
                ?? "")
    }
}
