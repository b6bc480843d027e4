import UproarCore
import UproarRuntime

/// What people should know of calls beside their figures, counted by calls: why some were dropped or refused, and what the agent did
/// that its protocol does not allow.
package struct CallRemarks: Sendable {
    package enum Remark: Hashable, Sendable {
        /// Answered, and ended by the other side before its time.
        case dropped(CallMediaEnd)
        /// Never answered.
        case refused(CallMediaEnd)
        case said(String)
    }

    /// So many different ones are kept; calls of others are counted together.
    package static let limit = 24
    private static let others = Remark.said("other reasons")

    private var table = OrderedTable<Remark, Int>()

    package init() {}

    package var counts: [(remark: Remark, calls: Int)] {
        zip(table.keys, table.values).map { ($0, $1) }
    }

    package mutating func add(_ remark: Remark, calls: Int = 1) {
        let isKnown = table[remark] != nil || table.count < Self.limit
        table[isKnown ? remark : Self.others, default: 0] += calls
    }

    package static func += (a: inout CallRemarks, b: CallRemarks) {
        for (remark, calls) in b.counts { a.add(remark, calls: calls) }
    }
}
