import UproarLoad
import UproarRuntime
import UproarStatistics

/// Remarks on calls, for people.
enum RemarkText {
    /// Most calls first, and alike whatever the order in which loops saw them.
    static func records(of remarks: CallRemarks) -> [RunResult.Remark] {
        remarks.counts.map { RunResult.Remark(text: of($0.remark), calls: $0.calls) }
            .sorted { ($1.calls, $0.text) < ($0.calls, $1.text) }
    }

    static func of(_ remark: CallRemarks.Remark) -> String {
        switch remark {
        case .dropped(let end): "dropped: \(reason(end))"
        case .refused(let end): "refused: \(RefusalText.of(end))"
        case .said(let text): text
        }
    }

    /// Of an answered call and of one that was not.
    static func reason(_ end: CallMediaEnd, isAnswered: Bool = true) -> String {
        switch end {
        case .closedByAgent(let code) where isAnswered:
            "the agent closed the stream (code \(code))"
        case .broken(let reason) where isAnswered: reason
        default: RefusalText.of(end)
        }
    }
}
