import UproarCore
import UproarRuntime
import UproarStatistics
import UproarWire

/// Looks at the agent's own metrics page each second of a run with faults: the first sign of its own that it knows, and the series
/// on which alert rules are evaluated afterwards. Evidence beside the measurement; no verdict rests on it.
///
/// Each worker has a page. Of several workers each has its own series, told apart by the label `instance` as a Prometheus that
/// scrapes them would: rules that sum do so over all of them, and a counter that begins anew with its worker is known as such.
///
/// An agent without such a page is asked three times and then left alone.
package final class AgentWatch {
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

        /// What a counter grew from one look to another; where it fell it has begun anew.
        ///
        /// - from, to: looks, `from` ≤ `to`.
        func growth(from: Int, to: Int) -> Double {
            // A series that came to be later had counted nothing.
            var last = from < first ? 0 : value(at: from)
            var sum = 0.0
            for look in stride(from: from + 1, through: to, by: 1) {
                let value = value(at: look)
                guard !value.isNaN else { continue }
                if !last.isNaN { sum += value >= last ? value - last : value }
                last = value
            }
            return sum
        }

        private func value(at look: Int) -> Double {
            values.indices.contains(look - first) ? values[look - first] : .nan
        }
    }

    package private(set) var series = OrderedTable<String, Series>()
    package private(set) var looks = 0
    /// Of the run's clock, for `looks` index 0.
    package private(set) var firstLook: Instant?
    private var times: [Instant] = []
    private var failures = 0
    private let sign: (FaultHistory.OwnSign) -> Void

    // Where it asks by HTTP.
    private let http: (any HTTPClient)?
    private let urls: [String]
    private var asked: [PageRequest] = []
    private var missing = 0
    private var askedAt = Instant.zero

    /// - urls: the pages of the workers, in order.
    /// - sign: hears each sign of trouble.
    package init(
        http: (any HTTPClient)? = nil, urls: [String] = [],
        sign: @escaping (FaultHistory.OwnSign) -> Void
    ) {
        self.http = http
        self.urls = urls
        self.sign = sign
    }

    /// Asks the pages; what comes counts as seen at `now`, which is of the run's clock.
    package func look(at now: Instant) {
        guard let http, failures < 3, missing == 0, !urls.isEmpty else { return }
        askedAt = now
        missing = urls.count
        asked = urls.map { url in
            PageRequest(limit: Self.pageLimit, url: url, http) { [weak self] in self?.came() }
        }
    }

    package func stop() {
        for request in asked { request.cancel() }
        asked = []
    }

    private func came() {
        missing -= 1
        guard missing == 0 else { return }
        let pages = asked.map(\.page)
        asked = []
        take(pages, at: askedAt)
        // A paused or killed agent may come back; one that never had a page will not.
        if looks == 0 { failures += 1 }
    }

    /// The pages of the workers as they were at `now`, in order; nil of one that showed none.
    package func take(_ pages: [[UInt8]?], at now: Instant) {
        guard looks < Self.lookLimit else { return }
        let families = pages.map { page in page.flatMap { try? PrometheusText.parse($0) } }
        // Once there was a page, a second without one is a second all the same.
        guard firstLook != nil || families.contains(where: { $0 != nil }) else { return }
        firstLook = firstLook ?? now
        let look = looks
        looks += 1
        times.append(now)
        for (index, families) in families.enumerated() {
            let instance = pages.count > 1 ? AgentWorkers.name(index) : nil
            take(families?.flatMap(\.samples) ?? [], of: instance, look, now)
        }
    }

    private func take(
        _ samples: [PrometheusSample], of instance: String?, _ look: Int, _ now: Instant
    ) {
        for sample in samples {
            let name = Self.text(sample, of: instance)
            guard var known = series[name] else {
                guard series.keys.count < Self.seriesLimit else { continue }
                // A series that comes to be by counting something has grown.
                if look > 0, sample.value != 0 { note(sample, after: times[look - 1], now) }
                series[name] = Series(first: look, values: [sample.value])
                continue
            }
            // A worker that was down for a while may have known it since it was last seen.
            let seen = times[known.first + known.values.count - 1]
            if let last = known.values.last, isWorse(sample, than: last) {
                note(sample, after: seen, now)
            }
            while known.first + known.values.count < look { known.values.append(.nan) }
            known.values.append(sample.value)
            series[name] = known
        }
    }

    /// Durability is lost downwards; all else grows.
    private func isWorse(_ sample: PrometheusSample, than last: Double) -> Bool {
        sample.name == "voice_session_store_durable" ? sample.value < last : sample.value > last
    }

    /// What the agent counted of its own errors between two instants of the run, the most frequent first.
    ///
    /// Looks lie a second apart: what was counted up to a second before and after is in it.
    package func errors(from: Instant, to: Instant) -> [AgentError] {
        guard let last = times.firstIndex(where: { $0 >= to }) ?? times.indices.last else {
            return []
        }
        let first = min(last, times.lastIndex { $0 <= from } ?? 0)
        var counts = OrderedTable<[String], Double>()
        for (name, series) in zip(series.keys, series.values) {
            guard name.hasPrefix("errors_total{") || name.contains("_errors_total{"),
                let kind = Self.label("error_type", in: name),
                let component = Self.label("component", in: name)
            else { continue }
            counts[[component, kind], default: 0] += series.growth(from: first, to: last)
        }
        return zip(counts.keys, counts.values).filter { $1 > 0 }.map { words, count in
            AgentError(component: words[0], kind: words[1], count: Int(count))
        }.sorted { ($1.count, $0.component, $0.kind) < ($0.count, $1.component, $1.kind) }
    }

    private static func label(_ label: String, in name: String) -> String? {
        guard let range = name.firstRange(of: label + "=\"") else { return nil }
        return String(name[range.upperBound...].prefix { $0 != "\"" })
    }

    private func note(_ sample: PrometheusSample, after: Instant, _ now: Instant) {
        guard Self.signs.contains(sample.name) else { return }
        sign(.init(name: sample.name, after: after, at: now))
    }

    static func text(_ sample: PrometheusSample, of instance: String? = nil) -> String {
        guard !sample.labels.isEmpty || instance != nil else { return sample.name }
        var labels = sample.labels.map { label in
            let escaped = label.value.map { character -> String in
                character == "\\" || character == "\"" ? "\\\(character)" : String(character)
            }.joined()
            return "\(label.name)=\"\(escaped)\""
        }
        if let instance { labels.append("instance=\"\(instance)\"") }
        return sample.name + "{" + labels.joined(separator: ",") + "}"
    }
}

/// One look at one page.
private final class PageRequest: HTTPExchangeHandler {
    private let limit: Int
    private var status = 0
    private var body: [UInt8] = []
    private let came: () -> Void
    private var exchange: (any HTTPExchange)?
    /// Nil until it came, and when there is none.
    private(set) var page: [UInt8]?

    /// - came: called once, when the page is there or will not be.
    init(limit: Int, url: String, _ http: any HTTPClient, came: @escaping () -> Void) {
        self.limit = limit
        self.came = came
        var request = HTTPRequest(method: "GET", url: url)
        request.deadlines.total = .milliseconds(900)
        exchange = http.send(request, handler: self)
    }

    func cancel() { exchange?.cancel() }

    func answered(status: Int, headers: [HTTPField], on exchange: any HTTPExchange) {
        self.status = status
    }

    func received(body: RawSpan, on exchange: any HTTPExchange) {
        guard self.body.count + body.byteCount <= limit else { return }
        body.withUnsafeBytes { self.body.append(contentsOf: $0) }
    }

    func finished(_ exchange: any HTTPExchange) {
        if status == 200 { page = body }
        came()
    }

    func failed(_ failure: HTTPFailure, on exchange: any HTTPExchange) { came() }
}
