/// All processes at one time, by pid.
package struct ProcessTable: Sendable {
    /// By ascending pid.
    package private(set) var rows: [ProcessStat]
    private var children: [Int32: [Int]] = [:]

    package init(_ rows: [ProcessStat]) {
        self.rows = rows.sorted { $0.pid < $1.pid }
        for (index, row) in self.rows.enumerated() {
            children[row.parent, default: []].append(index)
        }
    }

    /// What /proc shows now. Processes that end while it is read are left out.
    package static func read() -> ProcessTable {
        ProcessTable(
            ProcFile.names(in: "/proc").compactMap { name in
                guard let first = name.utf8.first, (0x30...0x39).contains(first),
                    let bytes = ProcFile.bytes("/proc/\(name)/stat")
                else { return nil }
                return ProcessStat(bytes)
            })
    }

    package subscript(pid: Int32) -> ProcessStat? {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].pid < pid { low = middle + 1 } else { high = middle }
        }
        return low < rows.count && rows[low].pid == pid ? rows[low] : nil
    }

    /// The descendants of `root`, parents before their children, without `root` itself. Those for which `notBelow` holds are
    /// left out with all that is below them.
    package func descendants(of root: Int32, notBelow: (Int32) -> Bool = { _ in false })
        -> [ProcessStat]
    {
        var found: [ProcessStat] = []
        // The table is read while processes come and go: a pid used twice could close a circle.
        var seen: Set<Int32> = [root]
        var next = [root]
        while let parent = next.popLast() {
            for index in children[parent] ?? []
            where !notBelow(rows[index].pid) && seen.insert(rows[index].pid).inserted {
                found.append(rows[index])
                next.append(rows[index].pid)
            }
        }
        return found
    }
}
