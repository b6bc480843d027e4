import Glibc
import UproarCore
import UproarPosix

/// `uproar providers learn`: a person's own traces as latency files that the emulators replay.
package enum ProviderLearning {
    package struct Wanted {
        /// A file, a run's folder, the address of a Prometheus server, or of a page of metrics.
        package var from = ""
        /// Of histograms; see `HistogramFile.Choice`.
        package var metric: String?
        package var provider: String?
        package var operation: String?
        /// How far back a Prometheus server looks: `1h`.
        package var range = "1h"
        package var out = "latencies"
        package init() {}
    }

    package static func run(_ wanted: Wanted, print: (String) -> Void) throws -> ExitCode {
        var ledger = LatencyLedger()
        let source = try read(wanted, into: &ledger)
        let date = String(MachineFacts.wallClock(time(nil)).prefix(10))
        let files = files(of: ledger, date: date, source: source)
        for (reason, count) in zip(ledger.leftOut.keys, ledger.leftOut.values) {
            print("left out: \(count) \(reason)")
        }
        guard !files.isEmpty else {
            throw ScenarioLoading.Problem(
                "\(wanted.from): nothing in it tells how long a provider took\n    allowed: \(sources)\n    more: docs/providers.md#learn"
            )
        }
        do throws(Errno) {
            try AtomicFile.makeFolder(wanted.out)
            for file in files {
                try AtomicFile.write(Array(file.text.utf8), to: wanted.out + "/" + file.name)
            }
            try AtomicFile.write(
                Array(LatencyFile.scenario(files, source: source, date: date).utf8),
                to: wanted.out + "/providers.yaml")
        } catch { throw ScenarioLoading.Problem("\(wanted.out) cannot be written: \(error)") }
        for file in files {
            print(
                "\(wanted.out)/\(file.name): n \(file.entry.count), p50 \(LatencyFile.text(file.quantile(0.5))) ms, p95 \(LatencyFile.text(file.quantile(0.95))) ms"
            )
            if let resolution = file.resolution { print("    \(resolution)") }
        }
        print("\(wanted.out)/providers.yaml: include it in a scenario to replay them all")
        return .passed
    }

    static func files(of ledger: LatencyLedger, date: String, source: String) -> [LatencyFile] {
        zip(ledger.entries.keys, ledger.entries.values).filter { $1.count > 0 }.map {
            LatencyFile(key: $0, entry: $1, date: date, source: source)
        }.sorted { $0.name < $1.name }
    }

    private static let sources =
        "a CSV file or JSON lines with provider, operation and ms, an OTLP JSON export, a run's folder, requests.jsonl, calls.jsonl, Prometheus text, or http://HOST:9090 with --metric NAME"

    /// Answers what the source is called in the files: its name without the way to it, which is the machine's.
    private static func read(_ wanted: Wanted, into ledger: inout LatencyLedger) throws -> String {
        let from = wanted.from
        let choice = HistogramFile.Choice(
            metric: wanted.metric, provider: wanted.provider, operation: wanted.operation)
        if let provider = wanted.provider, LatencyLedger.provider(provider) == nil {
            let names = ProviderID.allCases.map(\.name)
            let near =
                NearestName.of(provider, among: names).map { "; did you mean \($0)?" } ?? ""
            throw ScenarioLoading.Problem(
                "--provider \(provider): no such provider\(near)\n    allowed: \(names.joined(separator: ", "))"
            )
        }
        if from.hasPrefix("http://") || from.hasPrefix("https://") {
            return try readWeb(wanted, choice, into: &ledger)
        }
        if ShareFolder.isFolder(from) { return try readRun(from, into: &ledger) }
        let bytes: [UInt8]
        do { bytes = try TextFile.read(from) } catch {
            throw ScenarioLoading.Problem("\(error)\n    allowed: \(sources)")
        }
        let name = from.split(separator: "/").last.map(String.init) ?? from
        switch Form(bytes) {
        case .result:
            let folder = from.split(separator: "/", omittingEmptySubsequences: false).dropLast()
                .joined(separator: "/")
            return try readRun(folder.isEmpty ? "." : folder, into: &ledger)
        case .trace(let json):
            TraceFile.take(json, into: &ledger)
            return "\(name) (OTLP spans)"
        case .lines:
            try TimingTable.readLines(bytes, file: name, into: &ledger)
            return name
        case .metrics:
            try HistogramFile.read(bytes, file: name, choice, into: &ledger)
            return "\(name) (Prometheus histograms)"
        case .table:
            try TimingTable.readCSV(bytes, file: name, into: &ledger)
            return name
        }
    }

    /// A run of ours: its requests, or the stages of its calls where it has none.
    private static func readRun(_ folder: String, into ledger: inout LatencyLedger) throws
        -> String
    {
        let name = folder.split(separator: "/").last.map(String.init) ?? folder
        for file in ["requests.jsonl", "calls.jsonl"] {
            guard let bytes = try? TextFile.read(folder + "/" + file), !bytes.isEmpty else {
                continue
            }
            try TimingTable.readLines(bytes, file: file, into: &ledger)
            return "\(file) of the run \(name)"
        }
        throw ScenarioLoading.Problem(
            "\(folder) holds neither requests.jsonl nor calls.jsonl: a result alone has no times by provider\n    more: docs/providers.md#learn"
        )
    }

    private static func readWeb(
        _ wanted: Wanted, _ choice: HistogramFile.Choice, into ledger: inout LatencyLedger
    ) throws -> String {
        let rest = wanted.from.drop { $0 != ":" }.dropFirst(3)
        let path = rest.drop { $0 != "/" }
        guard path.isEmpty || path == "/" || path.hasSuffix("/prometheus") else {
            let page = try WebPage.get(wanted.from)
            try HistogramFile.read(page, file: wanted.from, choice, into: &ledger)
            return "a page of metrics (Prometheus histograms)"
        }
        var base = wanted.from
        if base.last == "/" { base.removeLast() }
        let server = PrometheusServer(base: base)
        guard let metric = wanted.metric else {
            let names = try server.histograms()
            throw ScenarioLoading.Problem(
                "\(base): which histogram? --metric NAME\n    allowed: \(names.isEmpty ? "none is there" : names.prefix(40).joined(separator: ", "))\n    more: docs/providers.md#learn"
            )
        }
        guard (try? DurationText.parse(wanted.range)) != nil else {
            throw ScenarioLoading.Problem(
                "--range \(wanted.range) is no duration\n    allowed: such as 30m, 1h, 7h")
        }
        let buckets = try server.buckets(of: metric, range: wanted.range)
        guard !buckets.isEmpty else {
            throw HistogramFile.unknown(metric, among: try server.histograms(), where: base)
        }
        HistogramFile.take(buckets, choice, into: &ledger)
        return "Prometheus, \(metric) within \(wanted.range)"
    }

    /// What a file is, by its first bytes.
    private enum Form {
        case result
        case trace(JSONValue)
        case lines
        case metrics
        case table

        init(_ bytes: [UInt8]) {
            guard let first = bytes.first(where: { $0 > 0x20 }) else {
                self = .table
                return
            }
            guard first == UInt8(ascii: "{") else {
                let heading = bytes.prefix { $0 != 0x0a && $0 != 0x0d }
                let isTable =
                    first != UInt8(ascii: "#") && heading.contains(UInt8(ascii: ","))
                    && !heading.contains(UInt8(ascii: "{"))
                self = isTable ? .table : .metrics
                return
            }
            // A document of its own, or one object in each line.
            guard let json = try? JSONParser.parse(bytes) else {
                self = .lines
                return
            }
            if json["resourceSpans"] != nil {
                self = .trace(json)
            } else if json["schema"]?.text?.hasPrefix("uproar.result/") == true {
                self = .result
            } else {
                self = .lines
            }
        }
    }
}
