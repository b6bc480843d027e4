import Glibc
import UproarCapacity
import UproarCore
import UproarPosix
import UproarReports
import UproarScenario
import UproarStatistics

/// `uproar size` and `uproar autoscale`: from a stored result to a plan, without dialling anybody.
package enum SizeRun {
    package struct Demand: Sendable {
        /// Calls at the peak; nil: of the history.
        package var calls: Int?
        /// A call log.
        package var history: String?
        package var callLength: Distribution?
        package var node = "n2-standard-4"
        package var nodeFile: String?
        package var podCores: Double?
        package var podMemory: Double?
        package var maxJobs: Int?
        package var zones = 3
        package var utilisation: Double?
        package var phoneShare: Double?
        package var seed: UInt64 = 1

        package init() {}
    }

    // MARK: What was measured

    /// From a `capacity.json`, a `result.json`, or the folder of either.
    package static func basis(_ path: String) throws -> SizingBasis {
        var file = path
        if ShareFolder.isFolder(path) {
            file =
                access(path + "/capacity.json", F_OK) == 0
                ? path + "/capacity.json" : path + "/result.json"
        }
        let bytes: [UInt8]
        do { bytes = try TextFile.read(file, limit: 1 << 28) } catch {
            throw ScenarioLoading.Problem("\(error)")
        }
        let value: JSONValue
        do { value = try JSONParser.parse(bytes) } catch {
            throw ScenarioLoading.Problem("\(file) is no JSON: \(error.description)")
        }
        do {
            switch value["schema"]?.text {
            case CapacityResult.schema:
                return try SizingBasis(CapacityResult(json: value), source: file)
            case RunResult.schema:
                let run = try RunResult(json: value)
                guard run.validity.state != .invalid, run.ledger.connected > .zero else {
                    throw ScenarioLoading.Problem(
                        "\(file) is \(run.ledger.connected > .zero ? "invalid" : "of a run without calls"): nothing can be sized by it"
                    )
                }
                let probe = ProbeReading.probe(
                    run,
                    .init(
                        load: max(1, run.load.peak), purpose: .checking, ramp: 0,
                        hold: run.load.duration.inSeconds, folder: ""))
                return SizingBasis(
                    probe, source: file, scenario: run.scenario.name, priceBook: run.priceBook)
            default:
                throw ScenarioLoading.Problem(
                    "\(file) is neither a result nor a capacity of uproar\n  allowed: capacity.json, result.json, or a folder that holds one"
                )
            }
        } catch let error as CapacityFileError {
            throw ScenarioLoading.Problem("\(file): \(error)")
        } catch let error as ResultError { throw ScenarioLoading.Problem("\(file): \(error)") }
    }

    static func book(_ demand: Demand) throws -> (NodeBook, NodeBook.Node) {
        let name = demand.nodeFile ?? "scenarios/nodes/list-2025.yaml"
        guard let found = ShareFolder.locate(name) else {
            throw ScenarioLoading.Problem("there is no node file \(name)")
        }
        let book: NodeBook
        do { book = try NodeFile.read(TextFile.read(found), file: found) } catch {
            throw ScenarioLoading.Problem("\(error)")
        }
        guard let node = book.node(demand.node) else {
            let near = NearestName.of(demand.node, among: book.nodes.map(\.name))
            throw ScenarioLoading.Problem(
                "\(found) has no node \(demand.node)" + (near.map { "; did you mean \($0)?" } ?? "")
                    + "\n  allowed: \(book.nodes.map(\.name).joined(separator: ", ")), or --node-file with another"
            )
        }
        return (book, node)
    }

    static func log(_ path: String, _ length: Distribution, seed: UInt64) throws -> CallLog {
        let bytes: [UInt8]
        do { bytes = try TextFile.read(path) } catch { throw ScenarioLoading.Problem("\(error)") }
        do throws(CallLog.Problem) {
            return try CallLog(
                csv: bytes, name: path, length: { length.draw(&$0).inSeconds }, seed: Seed(seed))
        } catch {
            throw ScenarioLoading.Problem(
                "\(path), line \(error.line): \(error.reason)\n  allowed: \(CallLog.allowed)")
        }
    }

    static let usualLength = Distribution.lognormal(p50: .seconds(150), p95: .seconds(600))

    /// The mean of a distribution, by its quantiles: exact enough for a plan.
    static func mean(_ length: Distribution) -> Double {
        let steps = 400
        return (0..<steps).reduce(0) { sum, step in
            sum + length.quantile((Double(step) + 0.5) / Double(steps)).inSeconds
        } / Double(steps)
    }

    package static func plan(_ basis: SizingBasis, _ demand: Demand) throws -> SizingPlan {
        let (book, node) = try book(demand)
        let length = demand.callLength ?? usualLength
        var request: SizingPlan.Request
        if let history = demand.history {
            let log = try log(history, length, seed: demand.seed)
            let peak = log.peak
            request = .init(
                calls: demand.calls ?? peak.calls,
                callsNote: "the most under way at once in \(history), at \(clock(peak.at))")
            request.callLength = log.meanLength
            request.callLengthNote =
                "the mean of \(NumberText.grouped(log.calls.count)) calls of \(history)"
            let days = max(1, (log.span / 86_400).rounded(.up))
            request.minutes = log.minutes / days * SizingPlan.hoursPerMonth / 24
            request.minutesNote =
                "minutes as in \(history), \(NumberText.fixed(days, 0)) days of it"
            request.burst = log.burst(60)
        } else {
            guard let calls = demand.calls else {
                throw ScenarioLoading.Problem("how many calls? --calls N, or --calls-from FILE.csv")
            }
            request = .init(calls: calls, callsNote: "--calls")
            request.callLength = mean(length)
            request.callLengthNote =
                demand.callLength == nil
                ? "assumed: half below 2.5 min, one in twenty above 10" : "--call-length"
        }
        request.podCores = demand.podCores ?? 1
        request.podMemory = demand.podMemory ?? 1024 * 1_048_576
        request.maxJobs = demand.maxJobs
        request.zones = demand.zones
        if let share = demand.utilisation { request.utilisation = share }
        if let share = demand.phoneShare { request.phoneShare = share }
        do { return try SizingPlan(basis, request, node: node, book: book) } catch {
            throw ScenarioLoading.Problem("\(error)")
        }
    }

    /// Writes `size.json` and the manifests; answers the summary.
    package static func size(_ plan: SizingPlan, image: String, out: String) throws -> String {
        let text = SizingText(plan)
        let manifests = KubernetesManifests(plan, image: image).files
        do {
            try AtomicFile.makeFolder(out)
            try AtomicFile.makeFolder(out + "/kubernetes")
            try AtomicFile.write(
                Array((text.json.text(pretty: true) + "\n").utf8), to: out + "/size.json")
            for file in manifests {
                try AtomicFile.write(Array(file.text.utf8), to: out + "/kubernetes/" + file.name)
            }
        } catch { throw ScenarioLoading.Problem("\(out) cannot be written: \(error)") }
        return text.text
            + "FILES       \(out)/size.json  kubernetes/{\(manifests.map { String($0.name.dropLast(5)) }.joined(separator: ","))}.yaml\n"
    }

    private static func clock(_ seconds: Double) -> String {
        let minutes = Int(seconds / 60)
        let day = minutes / 1440
        return (day > 0 ? "day \(day + 1) " : "")
            + "\(NumberText.padded(minutes / 60 % 24, 2)):\(NumberText.padded(minutes % 60, 2))"
    }

    // MARK: A day

    package struct Day: Sendable {
        /// A file, or the name of a shape.
        package var traffic: String
        /// Calls of the day in all, for a shape; nil: by the peak.
        package var callsPerDay: Int?
        package var version: String

        package init(traffic: String, version: String) {
            self.traffic = traffic
            self.version = version
        }
    }

    package static func autoscale(_ basis: SizingBasis, _ demand: Demand, _ day: Day, out: String)
        throws -> String
    {
        let length = demand.callLength ?? usualLength
        let mean = mean(length)
        let seed = Seed(demand.seed)
        let log: CallLog
        var name = day.traffic
        if let shape = TrafficShape(rawValue: day.traffic) {
            if let calls = day.callsPerDay {
                log = shape.day(calls: Double(calls), seed: seed) { length.draw(&$0).inSeconds }
            } else {
                log = shape.day(peak: Double(demand.calls ?? 100), mean: mean, seed: seed) {
                    length.draw(&$0).inSeconds
                }
            }
            name = "\(shape.rawValue) (\(shape.summary))"
        } else if access(day.traffic, R_OK) == 0 {
            log = try Self.log(day.traffic, length, seed: demand.seed)
        } else {
            let names = TrafficShape.allCases.map(\.rawValue)
            let near = NearestName.of(day.traffic, among: names)
            throw ScenarioLoading.Problem(
                "--traffic \(day.traffic): no file and no shape of that name"
                    + (near.map { "; did you mean \($0)?" } ?? "")
                    + "\n  allowed: a CSV file (\(CallLog.allowed)), or \(names.joined(separator: ", "))"
            )
        }
        var sized = demand
        sized.history = nil
        sized.calls = log.peak.calls
        var plan = try Self.plan(basis, sized)
        var request = plan.request
        request.burst = log.burst(60)
        do { plan = try SizingPlan(basis, request, node: plan.node, book: plan.book) } catch {
            throw ScenarioLoading.Problem("\(error)")
        }
        let policies = [AutoscalePolicy.guide000, .guide002, .guide004, .ours(plan)]
        var reports: [FleetReport] = []
        var prices: [Double] = []
        for policy in policies {
            let model = model(basis, policy, plan)
            prices.append(model.dollarsPerHour)
            reports.append(FleetSimulation.run(log, policy, model))
        }
        let page = FleetPage(
            reports, dollarsPerPodHour: prices, basis: basis, traffic: name,
            assumptions: assumptions(basis, log, plan), version: day.version)
        do {
            try AtomicFile.makeFolder(out)
            for (name, text) in [
                ("autoscale.json", page.json.text(pretty: true) + "\n"),
                ("autoscale.html", page.html),
            ] { try AtomicFile.write(Array(text.utf8), to: out + "/" + name) }
        } catch { throw ScenarioLoading.Problem("\(out) cannot be written: \(error)") }
        return page.terminal + "FILES      \(out)/autoscale.html  autoscale.json\n"
    }

    private static func model(_ basis: SizingBasis, _ policy: AutoscalePolicy, _ plan: SizingPlan)
        -> FleetSimulation.PodModel
    {
        let measuredOn = basis.sustainedCores ?? policy.limitCores
        let share = max(
            policy.requestCores / plan.node.cores,
            policy.requestBytes / (plan.node.memory - SizingPlan.reservedMemory))
        return .init(
            coresAtRest: basis.coresAtRest.value, coresPerCall: basis.coresPerCall.value,
            bytesAtRest: basis.bytesAtRest.value, bytesPerCall: basis.bytesPerCall.value,
            start: 20 + basis.coldStart.value, dollarsPerHour: plan.node.dollarsPerHour * share
        ) { calls, cores in
            // More than a pod has answers nobody in time, whatever a curve of fewer calls says.
            guard basis.coresAtRest.value + Double(calls) * basis.coresPerCall.value < cores else {
                return basis.latency(1) == nil ? nil : (p50: patience, p95: patience)
            }
            // The curve was measured on so many cores: a pod of twice as many stands for half the calls.
            let scaled = Double(calls) * measuredOn / cores
            guard let figures = basis.latency(scaled) else { return nil }
            return (min(figures.p50, patience), min(figures.p95, patience))
        }
    }

    /// A caller's patience ends what a curve does not, in seconds.
    private static let patience = 10.0

    private static func assumptions(_ basis: SizingBasis, _ log: CallLog, _ plan: SizingPlan)
        -> [String]
    {
        var list = [
            "\(NumberText.grouped(log.calls.count)) calls of \(NumberText.fixed(log.meanLength, 0)) s on average, most under way at once: \(log.peak.calls)",
            "a pod takes calls \(NumberText.fixed(20 + basis.coldStart.value, 1)) s after it is wanted: 20 s to be placed and pulled (assumed), the rest its cold start (\(basis.coldStart.origin.rawValue))",
            "a new call goes to the pod with the fewest; a refused caller does not try again; a pod that goes is chosen as Kubernetes does, the youngest first",
            "latency follows the calls on a pod as measured, scaled by its cores; cores by call \(NumberText.fixed(basis.coresPerCall.value, 4)) (\(basis.coresPerCall.origin.rawValue)); where a pod's calls want more cores than it has, every turn takes \(NumberText.fixed(patience, 0)) s",
            "a pod costs its share of a \(plan.node.name), whole nodes and what is idle on them left out",
        ]
        if basis.latency(1) == nil { list.append("p95 is unknown: no latency was measured") }
        return list
    }
}
