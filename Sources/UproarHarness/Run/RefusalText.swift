import UproarLoad
import UproarRuntime

/// Why a call was refused, for people.
enum RefusalText {
    static func of(_ end: CallMediaEnd) -> String {
        switch end {
        case .refused(let status, let reason):
            "the target answered HTTP \(status) instead of accepting a WebSocket"
                + (reason.isEmpty ? "" : ": \(reason)")
        case .unreachable(let reason): reason
        case .untrusted(let reason):
            reason
                + "; trust its authority with SSL_CERT_FILE=FILE, or leave the check out with --insecure"
        case .noAnswer: "the target accepted the connection and never answered the upgrade"
        case .closedByAgent(let code): "the target closed the stream (code \(code)) before it began"
        case .broken(let reason): "the connection broke: \(reason)"
        case .hungUp: "no call was answered"
        case .unhooked(let problem): of(problem)
        }
    }

    private static func of(_ problem: WebhookProblem) -> String {
        let due = "TwiML with <Connect><Stream url=\"wss://…\"/></Connect> is due"
        guard let status = problem.status else {
            return "the webhook \(problem.url) never answered; \(due)"
        }
        let words = problem.words.isEmpty ? "" : " (\"\(problem.words)\")"
        return "the webhook \(problem.url) answered HTTP \(status)\(words); \(due)"
    }
}
