/// Erlang's loss formula: how many places keep refused calls rare when calls come by themselves.
package enum ErlangB {
    /// The share of calls refused at `load` calls under way on average, with `places` places (A. K. Erlang, 1917).
    package static func refused(load: Double, places: Int) -> Double {
        guard load > 0 else { return 0 }
        var blocked = 1.0
        for n in 1...max(1, places) {
            blocked = load * blocked / (Double(n) + load * blocked)
        }
        return blocked
    }

    /// The fewest places at which no more than `share` of the calls is refused.
    package static func places(load: Double, refusing share: Double) -> Int {
        guard load > 0 else { return 1 }
        var blocked = 1.0
        var n = 0
        while blocked > share {
            n += 1
            blocked = load * blocked / (Double(n) + load * blocked)
        }
        return max(1, n)
    }
}
