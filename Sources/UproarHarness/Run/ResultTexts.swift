import UproarCore
import UproarScenario
import UproarStatistics

/// How a result names what the scenario holds.
enum TargetText {
    static func of(_ target: Scenario.Target) -> String {
        switch target {
        case .embedded: "embedded"
        case .command(let command):
            "command " + command.text
                + (command.intercept == nil ? "" : " (vendors' names intercepted)")
        case .url(let url): "url " + url
        }
    }
}

enum AudioText {
    static func of(_ source: Scenario.AudioSource, _ clips: [ClipDescription]) -> RunResult.Audio {
        var audio = RunResult.Audio()
        switch source {
        case .corpora(let corpora):
            audio.corpus = corpora.map(\.name).joined(separator: ", ")
        case .file(let path): audio.corpus = path
        }
        audio.clips = clips.count
        audio.speakers = distinct(clips.map(\.speaker))
        audio.variants = distinct(clips.map(\.variant))
        audio.licences = distinct(clips.map(\.licence))
        audio.isAnnotatedByUs = clips.contains(where: \.isAnnotatedByUs)
        return audio
    }

    private static func distinct(_ words: [String]) -> [String] {
        var seen = OrderedTable<String, Bool>()
        for word in words where !word.isEmpty { seen[word] = true }
        return seen.keys
    }
}

enum ProviderText {
    static func of(_ scenario: Scenario) -> [RunResult.Provider] {
        if case .url = scenario.target, scenario.providers.place == .own { return [] }
        if case .attach(let url) = scenario.providers.place {
            return scenario.providers.timings.map {
                RunResult.Provider($0.provider, preset: "as started at \(url)")
            }
        }
        let real = scenario.providers.upstreams
        return scenario.providers.timings.filter { timing in
            !real.contains { $0.provider == timing.provider }
        }.map { RunResult.Provider($0.provider, preset: scenario.providers.label) }
            + real.map { RunResult.Provider($0.provider, preset: $0.url, isEmulated: false) }
    }
}

enum ProcessText {
    /// Mean and peak of each group over the seconds in which it ran.
    static func records(of log: GeneratorLog) -> [RunResult.ProcessRecord] {
        CPUGroup.allCases.compactMap { group in
            let cores = log.samples.compactMap { $0[group] }
            guard !cores.isEmpty else { return nil }
            let memory: [Int] =
                switch group {
                case .callers: log.samples.compactMap(\.memory)
                case .agent: log.samples.compactMap(\.agentMemory)
                default: []
                }
            return RunResult.ProcessRecord(
                name: group.rawValue, group: group,
                meanCores: cores.reduce(0, +) / Double(cores.count), peakCores: cores.max() ?? 0,
                meanMemory: memory.isEmpty ? 0 : memory.reduce(0, +) / memory.count,
                peakMemory: memory.max() ?? 0)
        }
    }
}
