import UproarCore
import UproarRuntime
import UproarStatistics
import UproarWire

/// Looks at the agent's own metrics page each second of a run with faults: the first sign of its own that it knows, and the series
/// on which alert rules are evaluated afterwards. Evidence beside the measurement; no verdict rests on it.
///
/// An agent without such a page is asked three times and then left alone.
package final class AgentWatch: HTTPExchangeHandler {
    /// Names of the contract (`deploy/prometheus`) that say, when they grow, that something has failed.
    private static let signs = [
        "voice_circuit_breaker_state", "voice_circuit_breaker_trips_total",
        "voice_stt_failover_total", "voice_llm_failover_total", "voice_tts_failover_total",
        "voice_transcription_errors_total", "voice_provider_auth_failures_total",
        "voice_session_store_durable", "workflow_dead_letters_total",
    ]
    /// An hour of looks at ten thousand series.
    private static let lookLimit = 3600
    private static let seriesLimit = 10_000
    private static let pageLimit = 4 << 20

    /// One series: its name with labels, and a value for each look from `first` on; NaN where it was not there.
    package struct Series {
        package var first: Int
        package var values: [Double]
    }

    package private(set) var series = OrderedTable<String, Series>()
    package private(set) var looks = 0
    /// Of the run's clock, for `looks` index 0.
    package private(set) var firstLook: Instant?
    private var lastLook: Instant?
    private var failures = 0
    private let sign: (FaultHistory.OwnSign) -> Void

    // Where it asks by HTTP.
    private let http: (any HTTPClient)?
    private let url: String
    private var exchange: (any HTTPExchange)?
    private var askedAt = Instant.zero
    private var status = 0
    private var body: [UInt8] = []

    /// - sign: hears each sign of trouble.
    package init(
        http: (any HTTPClient)? = nil, url: String = "",
        sign: @escaping (FaultHistory.OwnSign) -> Void
    ) {
        self.http = http
        self.url = url
        self.sign = sign
    }

    /// Asks the page; what comes counts as seen at `now`, which is of the run's clock.
    package func look(at now: Instant) {
        guard let http, failures < 3, exchange == nil else { return }
        askedAt = now
        status = 0
        body = []
        var request = HTTPRequest(method: "GET", url: url)
        request.deadlines.total = .milliseconds(900)
        exchange = http.send(request, handler: self)
    }

    package func stop() {
        exchange?.cancel()
        exchange = nil
    }

    /// A page as it was at `now`.
    package func take(_ page: [UInt8], at now: Instant) {
        guard looks < Self.lookLimit, let families = try? PrometheusText.parse(page) else { return }
        firstLook = firstLook ?? now
        let look = looks
        looks += 1
        for sample in families.flatMap(\.samples) {
            let name = Self.text(sample)
            guard var known = series[name] else {
                guard series.keys.count < Self.seriesLimit else { continue }
                // A series that comes to be by counting something has grown.
                if look > 0, sample.value != 0 { note(sample, now) }
                series[name] = Series(first: look, values: [sample.value])
                continue
            }
            if let last = known.values.last, isWorse(sample, than: last) { note(sample, now) }
            while known.first + known.values.count < look { known.values.append(.nan) }
            known.values.append(sample.value)
            series[name] = known
        }
        lastLook = now
    }

    /// Durability is lost downwards; all else grows.
    private func isWorse(_ sample: PrometheusSample, than last: Double) -> Bool {
        sample.name == "voice_session_store_durable" ? sample.value < last : sample.value > last
    }

    private func note(_ sample: PrometheusSample, _ now: Instant) {
        guard let lastLook, Self.signs.contains(sample.name) else { return }
        sign(.init(name: sample.name, after: lastLook, at: now))
    }

    static func text(_ sample: PrometheusSample) -> String {
        guard !sample.labels.isEmpty else { return sample.name }
        let labels = sample.labels.map { label in
            let escaped = label.value.map { character -> String in
                character == "\\" || character == "\"" ? "\\\(character)" : String(character)
            }.joined()
            return "\(label.name)=\"\(escaped)\""
        }
        return sample.name + "{" + labels.joined(separator: ",") + "}"
    }

    // MARK: HTTPExchangeHandler

    package func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        self.status = status
    }

    package func received(body: RawSpan, on exchange: any HTTPExchange) {
        guard self.body.count + body.byteCount <= Self.pageLimit else { return }
        body.withUnsafeBytes { self.body.append(contentsOf: $0) }
    }

    package func finished(_ exchange: any HTTPExchange) {
        self.exchange = nil
        guard status == 200 else {
            failures += 1
            return
        }
        failures = 0
        take(body, at: askedAt)
    }

    package func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) {
        self.exchange = nil
        // A paused or killed agent may come back; one that never had a page will not.
        if looks == 0 { failures += 1 }
    }
}
