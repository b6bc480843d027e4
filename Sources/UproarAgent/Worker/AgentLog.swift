import UproarCore

/// The worker's log: one JSON object a line, with the guides' fields.
///
/// Takes lines only; where they go is the process's business. A line is made only when somebody reads it.
package struct AgentLog {
    package enum Level: String, CaseIterable {
        case debug, info, warning, error
    }

    private let write: ((String) -> Void)?
    private let least: Level
    /// Milliseconds of the Unix epoch.
    private let time: () -> Int64

    package static var none: AgentLog { AgentLog() }

    private init() {
        write = nil
        least = .error
        time = { 0 }
    }

    package init(
        from least: Level = .info, time: @escaping () -> Int64,
        write: @escaping (String) -> Void
    ) {
        self.write = write
        self.least = least
        self.time = time
    }

    /// - call: the call it is about.
    func say(
        _ level: Level, _ message: @autoclosure () -> String, call: CallIntroduction? = nil,
        module: String = #fileID, function: String = #function, line: Int = #line
    ) {
        guard let write, Self.rank(level) >= Self.rank(least) else { return }
        let time = time()
        var members: [JSONValue.Member] = [
            .init("timestamp", .string(Self.iso(time))),
            .init("level", .string(level.rawValue.uppercased())),
            .init("message", .string(message())), .init("module", .string(module)),
            .init("function", .string(function)), .init("line", JSONValue(line)),
        ]
        members.append(.init("room_name", call.map { .string($0.call) } ?? .null))
        members.append(.init("session_id", call.map { .string($0.session) } ?? .null))
        write(JSONValue.object(members).text(pretty: false))
    }

    private static func rank(_ level: Level) -> Int { Level.allCases.firstIndex(of: level) ?? 0 }

    /// `2026-11-21T08:30:00.250Z` (days from civil: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    static func iso(_ milliseconds: Int64) -> String {
        let day = 86_400_000 as Int64
        let days = milliseconds >= 0 ? milliseconds / day : (milliseconds - day + 1) / day
        let rest = milliseconds - days * day
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * ofYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let fraction = rest % 1000
        let digits =
            fraction < 10 ? "00\(fraction)" : fraction < 100 ? "0\(fraction)" : "\(fraction)"
        return "\(year)-\(two(month))-\(two(ofYear - (153 * part + 2) / 5 + 1))T"
            + "\(two(rest / 3_600_000)):\(two(rest / 60_000 % 60)):\(two(rest / 1000 % 60)).\(digits)Z"
    }
}
