import UproarCore

/// Whether two runs may be compared at all: a number that moved because the question moved says nothing of the agent.
package enum RunLikeness {
    /// Why not, in sentences; empty when they are alike. Seeds, commits and machines may differ.
    ///
    /// - isSameScenario: false for `uproar ab`, whose sides differ on purpose in target or scenario.
    package static func differences(
        _ a: RunResult, _ b: RunResult, isSameScenario: Bool = true
    ) -> [String] {
        var found: [String] = []
        func differ(_ what: String, _ left: String, _ right: String) {
            if left != right { found.append("\(what): \(name(left)) and \(name(right))") }
        }
        differ("world", a.world.rawValue, b.world.rawValue)
        if isSameScenario {
            differ("scenario", a.scenario.name, b.scenario.name)
            if a.scenario.name == b.scenario.name, a.scenario.fileHash != b.scenario.fileHash {
                found.append(
                    "scenario \(a.scenario.name) was changed between the two (\(a.scenario.fileHash.prefix(12)) and \(b.scenario.fileHash.prefix(12)))"
                )
            }
        }
        differ("load", text(a.load.lines), text(b.load.lines))
        differ("audio", text(a.audio), text(b.audio))
        differ("providers", text(a.providers), text(b.providers))
        differ("faults", text(a.faults), text(b.faults))
        differ("prices", a.priceBook, b.priceBook)
        for (side, run) in [("first", a), ("second", b)] {
            if run.isPartial { found.append("the \(side) run is partial") }
            if run.validity.state == .invalid { found.append("the \(side) run is invalid") }
            if run.draw.isEmpty { found.append("the \(side) result holds no calls to compare") }
        }
        return found
    }

    /// What a run was made of beside its scenario, in one line.
    static func surroundings(_ run: RunResult) -> String {
        [text(run.load.lines), text(run.audio), text(run.providers), run.priceBook]
            .joined(separator: "; ")
    }

    private static func name(_ text: String) -> String { text.isEmpty ? "none" : text }

    private static func text(_ lines: [RunResult.Load.Line]) -> String {
        lines.map(\.text).joined(separator: ", ")
    }

    private static func text(_ audio: RunResult.Audio) -> String {
        ([audio.corpus, "\(audio.clips) clips"] + audio.variants).joined(separator: " ")
    }

    /// Emulated and real providers are never alike, nor are two presets of an emulator.
    private static func text(_ providers: [RunResult.Provider]) -> String {
        providers.map { "\($0.id.name) \($0.isEmulated ? "emulated" : "real") \($0.preset)" }
            .joined(separator: ", ")
    }

    private static func text(_ faults: [RunResult.FaultRecord]) -> String {
        faults.map { "\($0.id) \($0.kind) on \($0.target)" }.joined(separator: ", ")
    }
}
