import Glibc
import UproarCore
import UproarPosix
import UproarProviders
import UproarScenario
import UproarWire

/// The real vendors behind a run's providers: what they are, and what was measured on the way to them.
package final class UpstreamRelays {
    private let upstreams: [Upstream]
    private let log: LineFile?
    private var measured: [ProviderID: Measured] = [:]
    private var services: [UpstreamService] = []
    /// The run is over: what ends from here on has been told of.
    private var isOver = false
    /// Why the log could not be written; said once.
    package private(set) var logFailure: Errno?

    private struct Measured {
        var exchanges = 0
        var failures = 0
        var connects: [Duration] = []
        var firstBytes: [Duration] = []
        var firstContents: [Duration] = []
    }

    /// Of each figure so many are kept for its quantiles; the log has all.
    private static let sampleLimit = 1 << 16

    package init() {
        upstreams = []
        log = nil
    }

    /// - variable: of the environment, where the keys are.
    package init(
        _ wanted: [ProviderUpstream], log: String?,
        variable: (String) -> String? = WithheldKeys.ownValue
    ) throws {
        self.log = log.map { LineFile(path: $0) }
        upstreams = try wanted.map { try Self.upstream($0, variable) }
    }

    private static func upstream(_ wanted: ProviderUpstream, _ variable: (String) -> String?)
        throws -> Upstream
    {
        let key = "providers.\(wanted.provider.name).upstream"
        let url: WireURL
        do { url = try WireURL(wanted.url) } catch {
            throw ScenarioLoading.Problem(
                "\(key): \(wanted.url) is no URL: \(error)\n    more: docs/providers.md#upstream")
        }
        do {
            return Upstream(
                provider: wanted.provider, url: url,
                key: try UpstreamKey.read(of: wanted.provider, variable))
        } catch {
            throw ScenarioLoading.Problem(
                """
                \(key): the environment has no \(error.names.joined(separator: " and no "))
                    allowed: your own key at the vendor in the variable that its libraries read, set where the run is started
                    more: docs/providers.md#upstream
                """)
        }
    }

    /// Refuses what would fail once the run is under way.
    static func approve(_ scenario: Scenario) throws {
        _ = try UpstreamRelays(scenario.providers.upstreams, log: nil)
    }

    /// In simulation there is no vendor to ask.
    static func refuseSimulation(_ scenario: Scenario) throws {
        guard let first = scenario.providers.upstreams.first else { return }
        throw ScenarioLoading.Problem(
            """
            providers.\(first.provider.name).upstream: a simulated run has no network, and a real vendor would not answer twice the same
                allowed: `uproar run`, or the emulator: take the line out
                more: docs/providers.md#upstream
            """)
    }

    /// What stands at a provider's address: the relay where there is one, else the emulator itself.
    func service(in emulator: any EmulatedService, context: EmulatorContext) -> any EmulatedService
    {
        guard let upstream = upstreams.first(where: { $0.provider == emulator.provider }) else {
            return emulator
        }
        let service = UpstreamService(upstream, shape: emulator, context: context) {
            [weak self] in self?.take($0, context.references)
        }
        services.append(service)
        return service
    }

    /// The run is over: requests and sockets that are still open have a line, too.
    func finish(at now: Instant) {
        for service in services { service.finish(at: now) }
        isOver = true
    }

    private func take(_ record: UpstreamRecord, _ references: ReferenceText) {
        guard !isOver else { return }
        var own = measured[record.provider] ?? Measured()
        own.exchanges += 1
        if record.failure != nil { own.failures += 1 }
        func keep(_ time: Duration?, _ path: WritableKeyPath<Measured, [Duration]>) {
            guard let time, own[keyPath: path].count < Self.sampleLimit else { return }
            own[keyPath: path].append(time)
        }
        keep(record.connect, \.connects)
        keep(record.firstByte, \.firstBytes)
        keep(record.firstContent, \.firstContents)
        measured[record.provider] = own
        do throws(Errno) { try log?.append(record.json { references.words($0) }.encoded()) } catch {
            if logFailure == nil { logFailure = error }
        }
    }

    /// By provider: how many, and the times' medians and 95th percentiles. nil where nothing is real.
    var evidence: JSONValue? {
        guard !upstreams.isEmpty else { return nil }
        return .object(
            upstreams.map { upstream in
                let own = measured[upstream.provider] ?? Measured()
                return .init(
                    upstream.provider.name,
                    [
                        "host": .string(upstream.url.host), "exchanges": JSONValue(own.exchanges),
                        "failures": JSONValue(own.failures),
                        "connect_ms": Self.quantiles(own.connects),
                        "first_byte_ms": Self.quantiles(own.firstBytes),
                        "first_content_ms": Self.quantiles(own.firstContents),
                    ])
            })
    }

    private static func quantiles(_ times: [Duration]) -> JSONValue {
        let sorted = times.sorted()
        guard !sorted.isEmpty else { return .null }
        func at(_ share: Double) -> JSONValue {
            let index = min(sorted.count - 1, Int(Double(sorted.count) * share))
            return .number(Double(sorted[index].nanoseconds / 1000) / 1000)
        }
        return ["p50": at(0.5), "p95": at(0.95)]
    }

    /// For a run's report: what was real, and how fast.
    static func notes(_ evidence: JSONValue) -> [String] {
        (evidence["upstream"]?.members ?? []).map { member in
            let value = member.value
            func times(_ key: String, _ words: String) -> String {
                guard let p50 = value[key]?["p50"]?.double, let p95 = value[key]?["p95"]?.double
                else { return "" }
                return
                    ", \(words) p50 \(NumberText.fixed(p50, 1)) ms p95 \(NumberText.fixed(p95, 1)) ms"
            }
            return "\(member.key) was the real one at \(value["host"]?.text ?? ""): "
                + "\(value["exchanges"]?.int ?? 0) exchanges, \(value["failures"]?.int ?? 0) failed"
                + times("connect_ms", "connect") + times("first_byte_ms", "first byte")
                + times("first_content_ms", "first content")
        }
    }
}
