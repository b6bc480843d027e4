/// Counts of values from 1 µs to 1 h at three significant digits, in one fixed configuration (`HDRSlots`).
///
/// Merging adds integers: it is exact, associative and commutative, whatever the order or the number of shards. Count, sum,
/// least and greatest value are kept exactly beside the slots. Few distinct values are kept as a sorted list (one interval of
/// one second holds some tens of turns); past `sparseLimit` distinct slots the counts become an array over the range in use,
/// and recording allocates nothing once that range is warm.
package struct HDRHistogram: Sendable {
    package private(set) var count: UInt64 = 0
    /// Exact, of the values as recorded (after clamping).
    package private(set) var sum: Int128 = 0
    /// Exact; `Int64.max` while empty.
    package private(set) var least: Int64 = .max
    /// Exact; `Int64.min` while empty.
    package private(set) var greatest: Int64 = .min
    /// Values above the range, counted in the last slot.
    package private(set) var clampedCount: UInt64 = 0

    private var storage: Storage = .sparse([])

    private enum Storage: Sendable {
        /// Slot in the upper 16 bits, count in the lower 48; sorted by slot.
        case sparse([UInt64])
        /// Counts of the slots from `first` on.
        case dense(first: Int, [UInt64])
    }

    private static let sparseLimit = 1024
    private static let countMask: UInt64 = (1 << 48) - 1
    /// Dense ranges grow in steps of so many slots.
    private static let step = 256

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// Counts `value` (`times` times). Negative values belong to `SignedHistogram`; those above one hour count as one hour.
    package mutating func record(_ value: Int64, times: UInt64 = 1) {
        precondition(value >= 0, "\(value) is negative: record it in a signed histogram")
        guard times > 0 else { return }
        let kept = min(value, HDRSlots.highestTrackable)
        if kept != value { clampedCount += times }
        count += times
        // The product of two 128-bit numbers costs more than all the rest.
        sum += times == 1 ? Int128(kept) : Int128(kept) * Int128(times)
        least = min(least, kept)
        greatest = max(greatest, kept)
        add(times, to: HDRSlots.slot(of: kept))
    }

    /// Adds all counts of `other`.
    package mutating func add(_ other: HDRHistogram) {
        guard other.count > 0 else { return }
        count += other.count
        sum += other.sum
        least = min(least, other.least)
        greatest = max(greatest, other.greatest)
        clampedCount += other.clampedCount
        if case .sparse(let mine) = storage, case .sparse(let theirs) = other.storage,
            theirs.count > 8
        {
            storage = .sparse(Self.merged(mine, theirs))
            if mine.count + theirs.count > Self.sparseLimit { makeDenseIfCrowded() }
            return
        }
        other.forEachSlot { slot, times in add(times, to: slot) }
    }

    /// Visits each slot that holds anything, in rising order.
    package func forEachSlot(_ body: (_ slot: Int, _ count: UInt64) -> Void) {
        switch storage {
        case .sparse(let entries):
            for entry in entries { body(Int(entry >> 48), entry & Self.countMask) }
        case .dense(let first, let counts):
            for (place, times) in counts.enumerated() where times > 0 { body(first + place, times) }
        }
    }

    // MARK: Storage

    @inline(__always)
    private mutating func add(_ times: UInt64, to slot: Int) {
        if case .dense(let first, var counts) = storage {
            storage = .sparse([])  // The array is unique again: no copy.
            if slot >= first, slot < first + counts.count {
                counts[slot - first] += times
                storage = .dense(first: first, counts)
            } else {
                storage = Self.grown(first, counts, toHold: slot)
                add(times, to: slot)
            }
            return
        }
        addSparsely(times, to: slot)
    }

    private mutating func addSparsely(_ times: UInt64, to slot: Int) {
        guard case .sparse(var entries) = storage else { return }
        storage = .sparse([])
        let key = UInt64(slot) << 48
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle] & ~Self.countMask < key { low = middle + 1 } else { high = middle }
        }
        if low < entries.count, entries[low] & ~Self.countMask == key {
            precondition(entries[low] & Self.countMask + times <= Self.countMask)
            entries[low] += times
        } else {
            entries.insert(key | times, at: low)
        }
        storage = .sparse(entries)
        if entries.count > Self.sparseLimit { makeDenseIfCrowded() }
    }

    private mutating func makeDenseIfCrowded() {
        guard case .sparse(let entries) = storage, entries.count > Self.sparseLimit,
            let lowest = entries.first, let highest = entries.last
        else { return }
        let first = Int(lowest >> 48) / Self.step * Self.step
        let end = min(HDRSlots.count, (Int(highest >> 48) / Self.step + 1) * Self.step)
        var counts = [UInt64](repeating: 0, count: end - first)
        for entry in entries { counts[Int(entry >> 48) - first] = entry & Self.countMask }
        storage = .dense(first: first, counts)
    }

    private static func grown(_ first: Int, _ counts: [UInt64], toHold slot: Int) -> Storage {
        let newFirst = min(first, slot / step * step)
        let end = max(first + counts.count, min(HDRSlots.count, (slot / step + 1) * step))
        var grown = [UInt64](repeating: 0, count: end - newFirst)
        for (place, times) in counts.enumerated() { grown[first - newFirst + place] = times }
        return .dense(first: newFirst, grown)
    }

    private static func merged(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        var result: [UInt64] = []
        result.reserveCapacity(a.count + b.count)
        var i = 0
        var j = 0
        while i < a.count, j < b.count {
            let left = a[i] & ~countMask
            let right = b[j] & ~countMask
            if left == right {
                result.append(a[i] + (b[j] & countMask))
                i += 1
                j += 1
            } else if left < right {
                result.append(a[i])
                i += 1
            } else {
                result.append(b[j])
                j += 1
            }
        }
        result.append(contentsOf: a[i...])
        result.append(contentsOf: b[j...])
        return result
    }

    /// A histogram from slots and the exact figures stored beside them; figures that are missing come from the slots.
    init(slots: [(slot: Int, count: UInt64)]) {
        for (slot, times) in slots where times > 0 {
            count += times
            sum += Int128(HDRSlots.middle(slot)) * Int128(times)
            least = min(least, HDRSlots.lowest(slot))
            greatest = max(greatest, min(HDRSlots.highest(slot), HDRSlots.highestTrackable))
            add(times, to: slot)
        }
    }

    /// Puts back what the slots cannot hold. Nonsense from a damaged file (a greatest value outside its slot) is not taken.
    mutating func restore(sum: Int128?, least: Int64?, greatest: Int64?, clamped: UInt64?) {
        guard count > 0 else { return }
        if let sum { self.sum = sum }
        if let least, least >= 0,
            HDRSlots.slot(of: min(least, HDRSlots.highestTrackable))
                == HDRSlots.slot(of: self.least)
        {
            self.least = least
        }
        if let greatest, greatest >= 0, greatest <= HDRSlots.highestTrackable,
            HDRSlots.slot(of: greatest) == HDRSlots.slot(of: self.greatest)
        {
            self.greatest = greatest
        }
        if let clamped { clampedCount = clamped }
    }
}

extension HDRHistogram: Equatable {
    /// Equal counts in equal slots and equal exact figures, whatever the storage.
    package static func == (a: HDRHistogram, b: HDRHistogram) -> Bool {
        guard a.count == b.count, a.sum == b.sum, a.least == b.least, a.greatest == b.greatest,
            a.clampedCount == b.clampedCount
        else { return false }
        return a.entries == b.entries
    }

    private var entries: [UInt64] {
        if case .sparse(let entries) = storage { return entries }
        var entries: [UInt64] = []
        forEachSlot { slot, times in
            entries.append(UInt64(slot) << 48 | min(times, Self.countMask))
        }
        return entries
    }
}
