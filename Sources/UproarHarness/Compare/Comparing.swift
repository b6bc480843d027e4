import UproarCore
import UproarPosix
import UproarReports
import UproarStatistics

/// `uproar compare`, `--baseline` and `uproar baseline accept`: stored results beside each other.
package enum Comparing {
    /// From when a difference counts, as the command line says it.
    package struct Settings: Sendable {
        /// 0.10 is 10 %.
        package var relative = 0.10
        package var absolute = Duration.milliseconds(30)

        package init() {}

        var limits: ComparisonLimits {
            var limits = ComparisonLimits()
            limits.relative = relative
            limits.absolute = absolute
            return limits
        }
    }

    /// Runs that one comparison takes.
    package static let runLimit = ComparisonReport.runLimit

    /// - path: a `result.json`, or the folder that holds one.
    package static func load(_ path: String) throws -> RunResult {
        let file = ShareFolder.isFolder(path) ? path + "/result.json" : path
        let bytes: [UInt8]
        do { bytes = try TextFile.read(file, limit: 1 << 28) } catch {
            throw ScenarioLoading.Problem("\(error)")
        }
        do { return try RunResult(decoding: bytes) } catch {
            throw ScenarioLoading.Problem("\(file) is no result of uproar: \(error)")
        }
    }

    /// Holds stored runs against the first of them; writes `compare.html`, `compare.md` and `comparison.json` when `out` names a folder.
    ///
    /// - others: one at least.
    package static func compare(
        _ before: String, _ others: [String], settings: Settings, isForced: Bool, out: String?
    ) throws -> RunSession.Ending {
        let left = try load(before)
        var unlike: [String] = []
        var compared: [ComparisonReport.Further] = []
        for path in others {
            let right = try load(path)
            let own = RunLikeness.differences(left, right)
            if !own.isEmpty, !isForced { throw unlikeProblem(before, path, own) }
            unlike += others.count == 1 ? own : own.map { "\(path): \($0)" }
            let limits = settings.limits.heeding(
                left.validity.worstNoiseFloor, right.validity.worstNoiseFloor)
            compared.append(
                .init(
                    name: path, run: right,
                    comparison: RunComparison(left.draw, right.draw, limits)))
        }
        let first = compared.removeFirst()
        return try report(
            first.comparison, left, first.run, names: (before, first.name), unlike: unlike,
            further: compared, out: out)
    }

    /// - further: more runs that were held against the first.
    static func report(
        _ comparison: RunComparison, _ before: RunResult, _ after: RunResult,
        names: (before: String, after: String), unlike: [String],
        further: [ComparisonReport.Further] = [], out: String?
    ) throws -> RunSession.Ending {
        let texts =
            [ComparisonText(comparison, before: names.before, after: names.after)]
            + further.map { ComparisonText($0.comparison, before: names.before, after: $0.name) }
        var summary = texts.map(\.text).joined()
        for reason in unlike { summary += "FORCED     unlike: \(reason)\n" }
        if let out {
            var members: [JSONValue.Member] = [
                .init("schema", "uproar.comparison/1"), .init("before", .string(names.before)),
                .init("after", .string(names.after)),
                .init("unlike", .array(unlike.map { .string($0) })),
            ]
            members += comparison.members
            if !further.isEmpty {
                let more = further.map { other -> JSONValue in
                    .object([.init("after", .string(other.name))] + other.comparison.members)
                }
                members.append(.init("further", .array(more)))
            }
            let page = ComparisonReport(
                comparison, before, after, names: names, unlike: unlike, further: further)
            do {
                try AtomicFile.makeFolder(out)
                for (name, text) in [
                    ("compare.html", page.text),
                    ("compare.md", texts.map(\.markdown).joined(separator: "\n")),
                    ("comparison.json", JSONValue.object(members).text(pretty: true) + "\n"),
                ] { try AtomicFile.write(Array(text.utf8), to: out + "/" + name) }
            } catch { throw ScenarioLoading.Problem("\(out) cannot be written: \(error)") }
            summary += "FILES      \(out)/compare.html  compare.md  comparison.json\n"
        }
        CISummary.show(texts.map(\.markdown).joined(separator: "\n"))
        let verdict = RunComparison.worst([comparison] + further.map(\.comparison))
        return .init(exitCode: exitCode(verdict), summary: summary)
    }

    static func exitCode(_ verdict: RunComparison.Verdict) -> ExitCode {
        switch verdict {
        case .regressed: .regressed
        case .inconclusive: .inconclusive
        case .improved, .unchanged: .passed
        }
    }

    private static func unlikeProblem(_ before: String, _ after: String, _ unlike: [String])
        -> ScenarioLoading.Problem
    {
        ScenarioLoading.Problem(
            """
            \(before) and \(after) cannot be compared:
              \(unlike.joined(separator: "\n  "))
              only runs of one scenario in one world are alike; seeds and commits may differ
              --force compares them all the same and says so; see docs/compare.md
            """)
    }

    /// Refuses a baseline that a run about to start could not be held against: nothing is dialled for nothing.
    static func approve(_ baseline: RunResult, for planned: RunResult, path: String) throws {
        var expected = planned
        // What only a finished run has.
        expected.isPartial = false
        expected.draw = baseline.draw
        expected.faults = baseline.faults
        let unlike = RunLikeness.differences(baseline, expected)
            .filter { !$0.hasPrefix("the second") }
        if !unlike.isEmpty { throw unlikeProblem(path, "this run", unlike) }
    }

    // MARK: Accepting

    /// Makes a stored result the baseline: a copy without what only people read. Answers what to print.
    package static func accept(_ path: String, to place: String?) throws -> String {
        var result = try load(path)
        guard !result.isPartial, result.validity.state != .invalid else {
            throw ScenarioLoading.Problem(
                "\(path) is \(result.isPartial ? "partial" : "invalid"): a baseline must be a whole, valid run"
            )
        }
        guard result.outcome.word == .passed || result.outcome.word == .regressed else {
            throw ScenarioLoading.Problem(
                "\(path) is \(result.outcome.word.rawValue): a baseline must have passed its gates")
        }
        guard !result.isInteractive else {
            throw ScenarioLoading.Problem(
                "\(path) was steered by hand: a baseline must be repeatable")
        }
        result.worstCalls = []
        result.tapes = []
        result.validity.log = GeneratorLog()
        result.baseline = nil
        result.files = []
        let file = place ?? "baselines/\(result.scenario.name).json"
        do {
            if let slash = file.lastIndex(of: "/"), slash != file.startIndex {
                try AtomicFile.makeFolder(String(file[..<slash]))
            }
            try AtomicFile.write(result.encoded(), to: file)
        } catch { throw ScenarioLoading.Problem("\(file) cannot be written: \(error)") }
        return """
            accepted   \(file)   \(result.scenario.name) \(result.world.rawValue), seed \(result.seed), \
            \(result.draw.entries.count) calls
                       use it: uproar \(result.world == .simulated ? "simulate" : "run") SCENARIO --baseline \(file)

            """
    }
}
