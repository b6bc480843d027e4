import UproarCore
import UproarStatistics

extension BaselineRecord {
    /// `commit 3fa1c0de12, seed 42; 90 calls of 3 rounds`: what was held against what.
    var brief: String {
        guard !rounds.isEmpty else { return label }
        let calls = NumberText.grouped(rounds.reduce(0) { $0 + $1.calls })
        return "\(label); \(calls) calls of \(rounds.count) rounds"
    }

    /// The same with the seeds of the rounds.
    var sentence: String {
        guard !rounds.isEmpty else { return label }
        let shown = rounds.prefix(6).map { String($0.seed) } + (rounds.count > 6 ? ["…"] : [])
        return "\(brief) (seeds \(shown.joined(separator: ", ")))"
    }
}
