import Glibc

/// What a histogram says.
extension HDRHistogram {
    /// The exact mean; nil while empty.
    package var mean: Double? { count == 0 ? nil : Double(sum) / Double(count) }

    package var minimum: Int64? { count == 0 ? nil : least }
    package var maximum: Int64? { count == 0 ? nil : greatest }

    /// The standard deviation of the population, from the middle of each slot; nil while empty.
    package var deviation: Double? {
        guard let mean else { return nil }
        var squares = 0.0
        forEachSlot { slot, times in
            let distance = Double(HDRSlots.middle(slot)) - mean
            squares += distance * distance * Double(times)
        }
        return sqrt(squares / Double(count))
    }

    /// The value at a rank from 1 to `count` in rising order: the greatest its slot may hold, and never beyond what was recorded.
    package func value(atRank rank: UInt64) -> Int64? {
        guard rank >= 1, rank <= count else { return nil }
        if rank == count { return greatest }
        var seen: UInt64 = 0
        var found: Int64?
        forEachSlot { slot, times in
            guard found == nil else { return }
            seen += times
            if seen >= rank { found = HDRSlots.highest(slot) }
        }
        return found.map { min($0, greatest) }
    }

    /// The quantile `q` in 0 ... 1 by nearest rank: the least value that at least `q` of all samples do not exceed.
    package func quantile(_ q: Double) -> Int64? {
        guard count > 0 else { return nil }
        return value(atRank: nearestRank(q, of: count))
    }

    /// How many values lie below `limit`. The slot of `limit` counts by where its middle lies.
    package func count(below limit: Int64) -> UInt64 {
        guard limit > 0 else { return 0 }
        // The exact extremes decide the ends, where a slot's middle would not.
        if count == 0 || limit <= least { return 0 }
        if limit > greatest { return count }
        var below: UInt64 = 0
        forEachSlot { slot, times in if HDRSlots.middle(slot) < limit { below += times } }
        return below
    }
}

/// The rank (from 1) of quantile `q` among `count` samples: ⌈q × count⌉, safe against q × count landing a hair above a whole number.
package func nearestRank(_ q: Double, of count: UInt64) -> UInt64 {
    precondition(count > 0)
    let rank = (q * Double(count)).nextDown.rounded(.up)
    return rank <= 1 ? 1 : min(count, UInt64(rank))
}
