import UproarCore

/// Seconds since 1970 as `2026-01-01T00:00:00.000Z` (proleptic Gregorian calendar; H. Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms", `civil_from_days`).
enum UnixTime {
    /// Days from 1970-01-01 to a date (the same source, `days_from_civil`).
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// As HTTP has it: `Thu, 01 Jan 2026 00:00:00 GMT` (RFC 9110 §5.6.7); `zone` as mail has it: `+0000`.
    static func mailText(_ seconds: Int64, zone: String = "GMT") -> String {
        let text = Array(Self.text(seconds))
        let days = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let month = months[(Int(String(text[5..<7])) ?? 1) - 1]
        let name = names[Int(((days % 7) + 7) % 7)]
        return "\(name), \(String(text[8..<10])) \(month) \(String(text[0..<4])) "
            + "\(String(text[11..<19])) \(zone)"
    }

    static func text(_ seconds: Int64) -> String {
        let days = Int((seconds >= 0 ? seconds : seconds - 86_399) / 86_400)
        let second = Int(seconds) - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func two(_ value: Int) -> String { NumberText.padded(value, 2) }
        return "\(NumberText.padded(year, 4))-\(two(month))-\(two(day))T"
            + "\(two(second / 3_600)):\(two(second / 60 % 60)):\(two(second % 60)).000Z"
    }

    /// `Thu, 01 Jan 1970 00:00:00 GMT` (RFC 9110 §5.6.7).
    static func httpDate(_ seconds: Int64) -> String {
        let days = Int((seconds >= 0 ? seconds : seconds - 86_399) / 86_400)
        let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let parts = text(seconds).split { "-T.".contains($0) }
        let month = months[(Int(parts[1]) ?? 1) - 1]
        return "\(names[((days % 7) + 7) % 7]), \(parts[2]) \(month) \(parts[0]) \(parts[3]) GMT"
    }
}

/// Files sent where raw samples were promised, told by their first bytes.
enum AudioContainer {
    static func isOne(_ bytes: RawSpan) -> Bool {
        let magic: [[UInt8]] = [
            Array("RIFF".utf8), Array("OggS".utf8), Array("fLaC".utf8), Array("ID3".utf8),
            [0x1a, 0x45, 0xdf, 0xa3],
        ]
        return bytes.withUnsafeBytes { bytes in
            magic.contains { bytes.starts(with: $0) }
        }
    }
}
