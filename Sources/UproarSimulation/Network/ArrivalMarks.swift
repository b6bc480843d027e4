/// When which bytes of a stream arrive: offsets from the stream's start, in order of time.
struct ArrivalMarks {
    struct Mark {
        /// Offset behind the last byte.
        var end: Int
        var at: Int64
    }

    private var marks: [Mark] = []
    private var head = 0
    /// No later byte arrives before this.
    private(set) var lastAt = Int64.min

    var isEmpty: Bool { head == marks.count }
    var first: Mark? { isEmpty ? nil : marks[head] }

    /// Returns the time of arrival: `instant`, or later, where bytes sent before take longer.
    mutating func append(end: Int, at instant: Int64) -> Int64 {
        lastAt = max(lastAt, instant)
        if !isEmpty, marks[marks.count - 1].at == lastAt {
            marks[marks.count - 1].end = end
        } else {
            if head > 64, head * 2 > marks.count {
                marks.removeFirst(head)
                head = 0
            }
            marks.append(Mark(end: end, at: lastAt))
        }
        return lastAt
    }

    mutating func removeFirst() {
        head += 1
        if head == marks.count {
            marks.removeAll(keepingCapacity: true)
            head = 0
        }
    }
}
