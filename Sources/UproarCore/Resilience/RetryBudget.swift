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

    package mutating func requested() { balance = min(most, balance + earned) }

    /// Whether a retry may be made; it is paid for then.
    package mutating func takeRetry() -> Bool {
        guard balance >= price else { return false }
        balance -= price
        return true
    }
}
