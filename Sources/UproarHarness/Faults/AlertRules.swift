import Glibc
import UproarCore
import UproarStatistics

/// Evaluates the shipped alert rules on the agent's metrics as they were recorded, with Prometheus' own `promtool`.
///
/// `promtool test rules` is given the series and told that no alert fires; what it complains about did.
enum AlertRules {
    private static let rules = "deploy/prometheus/voice-alerts.yaml"

    /// Nil when it cannot be told: no series, no promtool, no rules.
    static func evaluate(_ watch: AgentWatch, folder: String) -> [RunResult.AlertRecord]? {
        guard watch.looks > 1, let firstLook = watch.firstLook, hasPromtool,
            let path = ShareFolder.locate(rules).map(absolute),
            let text = try? TextFile.read(path)
        else { return nil }
        let names = names(in: String(decoding: text, as: UTF8.self))
        let input = absolute(folder) + "/alerts.test.yaml"
        guard write(test(watch, names, rules: path), to: input) else { return nil }
        defer { unlink(input) }
        let fired = firstFirings(in: output(of: input))
        return names.map { name in
            .init(
                name: name,
                at: fired.first { $0.name == name }.map { firstLook + .seconds($0.second) })
        }
    }

    static func names(in rules: String) -> [String] {
        rules.split(separator: "\n").compactMap { line in
            let line = line.drop { $0 == " " || $0 == "-" }
            guard line.hasPrefix("alert: ") else { return nil }
            return String(line.dropFirst("alert: ".count))
        }
    }

    static func test(_ watch: AgentWatch, _ names: [String], rules: String) -> String {
        var text = "rule_files: ['\(rules)']\nevaluation_interval: 1s\ntests:\n  - interval: 1s\n"
        text += "    input_series:\n"
        for (name, series) in zip(watch.series.keys, watch.series.values) {
            var values = [String](repeating: "_", count: series.first)
            values += series.values.map { $0.isNaN ? "_" : NumberText.fixed($0, 6) }
            text +=
                "      - series: '\(name.replacing("'", with: "''"))'\n        values: '\(values.joined(separator: " "))'\n"
        }
        text += "    alert_rule_test:\n"
        for name in names {
            for second in 0..<watch.looks {
                text +=
                    "      - {eval_time: \(second)s, alertname: \(name), exp_alerts: []}\n"
            }
        }
        return text
    }

    /// `alertname: X, time: 1m5s,` names each moment at which X was firing; the first one of each.
    static func firstFirings(in output: String) -> [(name: String, second: Int)] {
        var found: [(name: String, second: Int)] = []
        for line in output.split(separator: "\n") {
            guard let start = line.firstRange(of: "alertname: "),
                let comma = line.firstRange(of: ", time: ")
            else { continue }
            let name = String(line[start.upperBound..<comma.lowerBound])
            let time = line[comma.upperBound...].prefix { $0 != "," }
            guard let second = seconds(String(time)) else { continue }
            if let place = found.firstIndex(where: { $0.name == name }) {
                found[place].second = min(found[place].second, second)
            } else {
                found.append((name, second))
            }
        }
        return found
    }

    /// `45s`, `1m5s`, `1h0m0s`.
    private static func seconds(_ text: String) -> Int? {
        var total = 0
        var number = 0
        for character in text {
            switch character {
            case "0"..."9": number = number * 10 + Int(String(character))!
            case "h":
                total += number * 3600
                number = 0
            case "m":
                total += number * 60
                number = 0
            case "s":
                total += number
                number = 0
            default: return nil
            }
        }
        return total
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : WorkingFolder.path() + "/" + path
    }

    private static var hasPromtool: Bool {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return path.split(separator: ":").contains { access("\($0)/promtool", X_OK) == 0 }
    }

    private static func write(_ text: String, to path: String) -> Bool {
        guard let file = fopen(path, "w") else { return false }
        let bytes = Array(text.utf8)
        let written = fwrite(bytes, 1, bytes.count, file)
        return fclose(file) == 0 && written == bytes.count
    }

    private static func output(of input: String) -> String {
        let quoted = "'" + input.replacing("'", with: "'\\''") + "'"
        guard let pipe = popen("promtool test rules \(quoted) 2>&1", "r") else { return "" }
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
