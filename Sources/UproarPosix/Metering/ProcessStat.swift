/// One process or thread as /proc/PID/stat tells it (proc_pid_stat(5)).
package struct ProcessStat: Hashable, Sendable {
    package var pid: Int32
    package var command: String
    /// `R`, `S`, `D`, `T`, `Z`, …
    package var state: Unicode.Scalar
    package var parent: Int32
    package var userTicks: Int64
    package var systemTicks: Int64
    package var threadCount: Int
    /// When it started, clock ticks since boot: with the pid it names a process beyond the reuse of pids.
    package var startTicks: Int64
    package var residentPages: Int64

    package var isZombie: Bool { state == "Z" || state == "X" }

    /// Nil when the text is not one. The command stands in parentheses and may itself hold spaces and parentheses, so the
    /// last one closes it.
    package init?(_ bytes: [UInt8]) {
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
            let close = bytes.lastIndex(of: UInt8(ascii: ")")), open < close,
            let pid = Int32(
                String(decoding: bytes[..<open].filter { $0 != UInt8(ascii: " ") }, as: UTF8.self))
        else { return nil }
        let fields = bytes[(close + 1)...].split(whereSeparator: { $0 == 0x20 || $0 == 0x0a })
        guard fields.count >= 22, let state = fields[0].first else { return nil }
        // `fields[0]` is the third field of the manual page.
        func number(_ field: Int) -> Int64? {
            Int64(String(decoding: fields[field - 3], as: UTF8.self))
        }
        guard let parent = number(4), let user = number(14), let system = number(15),
            let threads = number(20), let start = number(22), let pages = number(24),
            let parent = Int32(exactly: parent)
        else { return nil }
        self.pid = pid
        command = String(decoding: bytes[(open + 1)..<close], as: UTF8.self)
        self.state = Unicode.Scalar(state)
        self.parent = parent
        userTicks = user
        systemTicks = system
        threadCount = Int(clamping: threads)
        startTicks = start
        residentPages = pages
    }
}
