import Glibc
import UproarCore

/// What the run ran on: `environment.json` and the report's environment block. Nothing of it enters `result.json`.
package enum MachineFacts {
    package static func gather(started: time_t = time(nil)) -> JSONValue {
        var name = utsname()
        uname(&name)
        let fields: [JSONValue.Member] = [
            .init("started", .string(wallClock(started))),
            .init("host", .string(text(of: name.nodename))),
            .init("kernel", .string(text(of: name.release))),
            .init("machine", .string(text(of: name.machine))),
            .init("cpu", JSONValue(cpuModel())),
            .init("cores", .integer(Int64(sysconf(Int32(_SC_NPROCESSORS_ONLN))))),
            .init(
                "memory_bytes",
                .integer(
                    Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE))))),
            .init(
                "clock_source",
                JSONValue(line("/sys/devices/system/clocksource/clocksource0/current_clocksource"))),
            .init("boot_id", JSONValue(line("/proc/sys/kernel/random/boot_id"))),
        ]
        return .object(fields)
    }

    /// `2026-11-21T05:30:00Z`.
    package static func wallClock(_ seconds: time_t) -> String {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
        let clock = [Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec)]
        return date.map { NumberText.padded($0, 2) }.joined(separator: "-") + "T"
            + clock.map { NumberText.padded($0, 2) }.joined(separator: ":") + "Z"
    }

    private static func cpuModel() -> String? {
        guard let bytes = try? TextFile.read("/proc/cpuinfo", limit: 1 << 22) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("model name") {
            return line.split(separator: ":", maxSplits: 1).last.map { trimmed(String($0)) }
        }
        return nil
    }

    private static func line(_ path: String) -> String? {
        guard let bytes = try? TextFile.read(path, limit: 4096) else { return nil }
        return trimmed(String(decoding: bytes, as: UTF8.self))
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    private static func text<Field>(of field: Field) -> String {
        withUnsafeBytes(of: field) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
