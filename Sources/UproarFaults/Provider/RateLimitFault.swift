import UproarCore

/// Refuses what is above a rate of requests, or all of it, as the vendor says it: too many.
package struct RateLimitFault: ProviderFault {
    package static let descriptor = FaultDescriptor(
        name: "rate_limit",
        summary:
            "Refuses what is above a rate of requests, or all of it, as the vendor says it: too many.",
        effect: "a request or upgrade was refused",
        attributes: [
            .init(
                "rate", .integer(1...1_000_000),
                "Requests that pass in each window; none when not given."),
            .init("window", .duration, "The window; 1s when not given."),
            .init("status", .word(["429", "503", "529"]), "429 when not given."),
            .init("retry_after", .duration, "What Retry-After says; 1s when not given."),
            .init(
                "retry_form", .word(["correct", "absent", "too_small", "date"]),
                "How Retry-After is written: right, left out, 0, or as an HTTP date."),
        ],
        targets: ProviderAttribute.all, recovery: .seconds(10))

    /// Requests let through in each window, counted by whoever carries the fault out.
    package let allowed: Int
    package let window: Duration
    let status: Int
    let retryAfter: Int
    let form: String

    package init(_ attributes: FaultAttributes) {
        allowed = attributes.integer("rate") ?? 0
        window = attributes.duration("window") ?? .seconds(1)
        status = attributes.text("status").flatMap { Int($0) } ?? 429
        retryAfter = Int((attributes.duration("retry_after") ?? .seconds(1)).inSeconds.rounded(.up))
        form = attributes.text("retry_form") ?? "correct"
    }

    package func verdict(on passage: FaultPassage, _ random: inout RandomStream) -> ProviderVerdict
    {
        let retry: ProviderVerdict.RetryAfter =
            switch form {
            case "absent": .none
            case "too_small": .seconds(0)
            case "date": .date(retryAfter)
            default: .seconds(retryAfter)
            }
        return .refuse(status: status, retryAfter: retry)
    }
}
