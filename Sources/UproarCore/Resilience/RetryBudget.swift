/// Keeps retries from becoming a storm: each request earns a share of a retry, and a retry is paid for.
///
/// With a share of 1/5, no outage makes more than 20 % more requests than there were, beyond what was saved up before.
package struct RetryBudget: Hashable, Sendable {
    private let earned: Int
    private let price: Int
    private let most: Int
    private var balance: Int

    /// - share: retries that one request earns, as a ratio (`1`, `5` for a fifth).
    /// - saved: retries that may be saved up, and are there at the start.
    package init(share numerator: Int = 1, of denominator: Int = 5, saved: Int = 10) {
        precondition(numerator >= 0 && denominator > 0 && saved >= 0, "a share below nothing")
        earned = numerator
        price = denominator
        most = saved * denominator
        balance = most
    }

    /// As many retries as anybody wants: for showing what the budget is good for.
    package static let unlimited = RetryBudget(share: 0, of: 1, saved: 0, price: 0)

    private init(share: Int, of denominator: Int, saved: Int, price: Int) {
        earned = share
        self.price = price
        most = saved * denominator
        balance = most
    }

    /// From its text: what one request earns, `1/5`; empty for no limit.
    package init(_ text: String) throws(TextProblem) {
        guard !text.isEmpty else {
            self = .unlimited
            return
        }
        var scanner = TextScanner(text)
        guard let share = scanner.decimal(), scanner.take("/"), let whole = scanner.decimal(),
            scanner.isAtEnd, share.places == 0, whole.places == 0, share.digits <= whole.digits,
            (1...Self.largestShare).contains(whole.digits)
        else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no retry budget",
                allowed: "the retries that a request earns, as a ratio up to 1: 1/5; or off")
        }
        self.init(share: Int(share.digits), of: Int(whole.digits))
    }

    private static let largestShare: Int64 = 1_000_000

    package mutating func requested() { balance = min(most, balance + earned) }

    /// Whether a retry may be made; it is paid for then.
    package mutating func takeRetry() -> Bool {
        guard balance >= price else { return false }
        balance -= price
        return true
    }
}
