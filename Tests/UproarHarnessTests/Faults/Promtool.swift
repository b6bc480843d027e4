import Glibc
import UproarCore

@testable import UproarHarness

/// Prometheus' own `promtool test rules`, told that no alert ever fires: what it complains about did.
enum Promtool {
    static var isHere: Bool {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return path.split(separator: ":").contains { access("\($0)/promtool", X_OK) == 0 }
    }

    /// The first second at which each rule fires.
    static func firings(
        _ names: [String], rules: String, _ series: [(name: String, first: Int, values: [Double])],
        seconds: Int
    ) throws -> [Int?] {
        var text = "rule_files: ['\(rules)']\nevaluation_interval: 1s\ntests:\n  - interval: 1s\n"
        text += "    input_series:\n"
        for entry in series {
            let values =
                [String](repeating: "_", count: entry.first)
                + entry.values.map { $0.isNaN ? "_" : "\($0)" }
            text += "      - series: '\(entry.name)'\n        values: '"
            text += values.joined(separator: " ") + "'\n"
        }
        text += "    alert_rule_test:\n"
        for name in names {
            for second in 0..<seconds {
                text +=
                    "      - {eval_time: \(second)s, alertname: \(name), exp_alerts: []}\n"
            }
        }
        // A file for each question: cases are asked at the same time.
        var template = Array("/tmp/uproar-alerts-XXXXXX.yaml".utf8CString)
        let number = mkstemps(&template, 5)
        let path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        let bytes = Array(text.utf8)
        let file = fdopen(number, "w")
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        let output = output(of: path)
        return names.map { name in
            output.split(separator: "\n").compactMap { line -> Int? in
                guard let start = line.firstRange(of: "alertname: \(name), time: ") else {
                    return nil
                }
                return Self.seconds(line[start.upperBound...].prefix { $0 != "," })
            }.min()
        }
    }

    /// `45s`, `1m5s`, `1h0m0s`.
    private static func seconds(_ text: Substring) -> Int {
        var total = 0
        var number = 0
        for character in text {
            if let digit = character.wholeNumberValue {
                number = number * 10 + digit
            } else {
                total += number * (character == "h" ? 3600 : character == "m" ? 60 : 1)
                number = 0
            }
        }
        return total
    }

    private static func output(of path: String) -> String {
        guard let pipe = popen("promtool test rules '\(path)' 2>&1", "r") else { return "" }
        defer { pclose(pipe) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, pipe)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
