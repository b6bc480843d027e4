import UproarCore
import UproarRuntime

/// Reads the kernel's text files. Each function takes the file's text and answers nil for what does not stand there.
package enum KernelText {
    /// The CPUs of /proc/stat (proc_stat(5)), in order; the sum line `cpu` is left out. Ticks are 1/`ticksPerSecond` s.
    ///
    /// Guest time is part of user time already.
    package static func cpus(stat text: String, ticksPerSecond: Int64) -> [CPUSample] {
        let tick = 1_000_000_000 / ticksPerSecond
        return lines(text).compactMap { line in
            guard line.hasPrefix("cpu"), let digit = line.utf8.dropFirst(3).first,
                (0x30...0x39).contains(digit)
            else { return nil }
            let numbers = words(line).dropFirst().compactMap { Int64($0) }
            guard numbers.count >= 8 else { return nil }
            // user nice system idle iowait irq softirq steal
            return CPUSample(
                busyNanoseconds: (numbers[0] + numbers[1] + numbers[2] + numbers[5] + numbers[6])
                    * tick,
                idleNanoseconds: (numbers[3] + numbers[4]) * tick,
                stolenNanoseconds: numbers[7] * tick)
        }
    }

    /// A line `Name:   123 kB` of /proc/meminfo or smaps_rollup, in bytes.
    package static func kilobytes(_ name: String, in text: String) -> Int64? {
        for line in lines(text) {
            let parts = words(line)
            if parts.count == 3, parts[0] == "\(name):", parts[2] == "kB" {
                return Int64(parts[1]).flatMap { $0 < Int64.max / 1024 ? $0 * 1024 : nil }
            }
        }
        return nil
    }

    /// A counter of /proc/net/snmp or netstat: a line of names and one of numbers, both led by `group:`.
    package static func counter(_ name: String, of group: String, in text: String) -> Int64? {
        let rows = lines(text).map(words).filter { $0.first == "\(group):" }
        guard rows.count >= 2, let place = rows[0].firstIndex(where: { $0 == name }),
            place < rows[1].count
        else { return nil }
        return Int64(rows[1][place])
    }

    /// A line `name 123`: cgroup files, /proc/net/snmp6.
    package static func value(_ name: String, in text: String) -> Int64? {
        for line in lines(text) {
            let parts = words(line)
            if parts.count == 2, parts[0] == name { return Int64(parts[1]) }
        }
        return nil
    }

    /// Errors and drops of all interfaces in /proc/net/dev, both ways.
    package static func interfaceDrops(dev text: String) -> Int64? {
        var sum: Int64?
        for line in lines(text) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let numbers = words(line[line.index(after: colon)...]).compactMap { Int64($0) }
            guard numbers.count >= 12 else { continue }
            // receive: bytes packets errs drop fifo frame compressed multicast; then the same for transmit
            sum = (sum ?? 0) + numbers[2] + numbers[3] + numbers[10] + numbers[11]
        }
        return sum
    }

    /// /proc/PID/schedstat: time on a CPU and time ready but waiting for one, nanoseconds.
    package static func scheduling(_ text: String) -> (ran: Int64, waited: Int64)? {
        let numbers = words(Substring(text)).compactMap { Int64($0) }
        return numbers.count >= 2 ? (numbers[0], numbers[1]) : nil
    }

    static func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }
    static func words(_ line: Substring) -> [Substring] {
        line.split { $0 == " " || $0 == "\t" || $0 == "\n" }
    }
}
