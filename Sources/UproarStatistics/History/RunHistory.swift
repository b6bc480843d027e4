import UproarCore

/// The figures of one scenario's runs, one after another: a file of lines to which each run adds one, and what it says when it is read
/// as a series.
package struct RunHistory: Sendable, Equatable {
    package static let schema = "uproar.history/1"

    package struct Figure: Hashable, Sendable {
        package var metric: String
        /// `p95`, `mean`, `share`.
        package var figure: String
        package var dimension: MetricDescriptor.Dimension
        /// As results store it: times in nanoseconds.
        package var value: Double

        package init(
            metric: String, figure: String, dimension: MetricDescriptor.Dimension, value: Double
        ) {
            self.metric = metric
            self.figure = figure
            self.dimension = dimension
            self.value = value
        }
    }

    package struct Entry: Hashable, Sendable {
        package var scenario: String
        /// Leaves out seed, folder and ports.
        package var scenarioHash: String
        package var world: RunResult.World
        /// What the run spoke and whom it asked: real providers beside emulated ones are another series.
        package var surroundings: String
        package var commit: String
        package var seed: UInt64
        package var calls: Int
        /// The worse of before and after the run.
        package var noise: Duration?
        package var figures: [Figure]

        /// Runs of one series are alike in all this; seeds and commits may differ.
        func isAlike(_ other: Entry) -> Bool {
            scenario == other.scenario && scenarioHash == other.scenarioHash
                && world == other.world && surroundings == other.surroundings
        }
    }

    package struct Finding: Hashable, Sendable {
        package var figure: Figure
        package var change: ChangeSearch.Change
        /// The last run of the old level and the first of the new one.
        package var oldCommit: String
        package var newCommit: String
        /// Runs of the new level so far.
        package var runs: Int
        /// Smaller than what the machine's noise floor could make, or than what was asked for.
        package var isSmall: Bool
        package var isWorse: Bool { change.difference > 0 }
    }

    package private(set) var entries: [Entry] = []

    package init() {}

    /// False when the same run is there already.
    @discardableResult
    package mutating func add(_ entry: Entry) -> Bool {
        guard !entries.contains(entry) else { return false }
        entries.append(entry)
        return true
    }

    /// The runs that are like the last one.
    package var series: [Entry] {
        guard let last = entries.last else { return [] }
        return entries.filter { $0.isAlike(last) }
    }

    /// What changed in the series, figure by figure and in order of time.
    ///
    /// - relative: of the level before; a smaller change is small.
    package func findings(_ search: ChangeSearch = .init(), relative: Double = 0.02) -> [Finding] {
        let series = series
        guard let last = series.last else { return [] }
        let noise = 3 * Double(series.compactMap(\.noise).max()?.nanoseconds ?? 0)
        return last.figures.flatMap { figure -> [Finding] in
            // A run without this figure takes no part in its series.
            let runs = series.compactMap { entry -> (entry: Entry, value: Double)? in
                entry.figures.first {
                    $0.metric == figure.metric && $0.figure == figure.figure
                }.map { (entry, $0.value) }
            }
            return search.changes(in: runs.map(\.value)).map { change in
                let isNoise = figure.dimension == .time && abs(change.difference) < noise
                return Finding(
                    figure: figure, change: change,
                    oldCommit: runs[change.index - 1].entry.commit,
                    newCommit: runs[change.index].entry.commit, runs: runs.count - change.index,
                    isSmall: isNoise || abs(change.relative ?? 1) < relative)
            }
        }
    }
}

extension RunHistory.Entry {
    /// The figures that runs are compared by.
    package init(_ run: RunResult) {
        var once = ComparisonLimits()
        // Only the figures are used, not their intervals.
        once.draws = 1
        self.init(
            scenario: run.scenario.name, scenarioHash: run.scenario.fileHash, world: run.world,
            surroundings: RunLikeness.surroundings(run), commit: run.commit, seed: run.seed,
            calls: run.draw.entries.count, noise: run.validity.worstNoiseFloor?.errorP50,
            figures: RunComparison(run.draw, run.draw, once).rows.map {
                .init(
                    metric: $0.metric, figure: $0.figure, dimension: $0.dimension, value: $0.before)
            })
    }
}

// MARK: The file

extension RunHistory {
    /// - lines: of the file; a line that is none ends the reading with its number.
    package init(lines: [[UInt8]]) throws(ResultError) {
        for (place, line) in lines.enumerated() where !line.isEmpty {
            let path = "line \(place + 1)"
            guard let json = try? JSONParser.parse(line), let entry = Entry(json) else {
                throw ResultError(path: path, reason: "it is no line of a history")
            }
            entries.append(entry)
        }
    }
}

extension RunHistory.Entry {
    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("schema", .string(RunHistory.schema)), .init("scenario", .string(scenario)),
            .init("file_hash", .string(scenarioHash)), .init("world", .string(world.rawValue)),
            .init("surroundings", .string(surroundings)), .init("commit", .string(commit)),
            .init("seed", .string(String(seed))), .init("calls", JSONValue(calls)),
        ]
        if let noise { members.append(.init("noise_floor_ms", .milliseconds(noise))) }
        let figures = figures.map { figure -> JSONValue in
            [
                "metric": .string(figure.metric), "figure": .string(figure.figure),
                "dimension": .string(figure.dimension.rawValue), "value": .number(figure.value),
            ]
        }
        return .object(members + [.init("figures", .array(figures))])
    }

    init?(_ json: JSONValue) {
        guard json["schema"]?.text == RunHistory.schema, let scenario = json["scenario"]?.text,
            let hash = json["file_hash"]?.text,
            let world = json["world"]?.text.flatMap(RunResult.World.init(rawValue:)),
            let commit = json["commit"]?.text,
            let seed = json["seed"]?.text.flatMap({ UInt64($0) }),
            let stored = json["figures"]?.items
        else { return nil }
        let figures = stored.compactMap { item -> RunHistory.Figure? in
            guard let metric = item["metric"]?.text, let figure = item["figure"]?.text,
                let dimension = item["dimension"]?.text.flatMap(
                    MetricDescriptor.Dimension.init(rawValue:)),
                let value = item["value"]?.double, value.isFinite
            else { return nil }
            return .init(metric: metric, figure: figure, dimension: dimension, value: value)
        }
        self.init(
            scenario: scenario, scenarioHash: hash, world: world,
            surroundings: json["surroundings"]?.text ?? "", commit: commit, seed: seed,
            calls: max(0, json["calls"]?.int ?? 0),
            noise: json["noise_floor_ms"]?.double.map { .fromSeconds($0 / 1000) },
            figures: figures)
    }
}
