import UproarCore
import UproarStatistics

/// One rule as it ships.
struct AlertRule: Hashable {
    var name: String
    var expression: AlertExpression
    /// It must have held for so many seconds.
    var hold: Int
}

/// Evaluates the shipped alert rules on the agent's metrics as they were looked at, once a second, as Prometheus would with
/// `evaluation_interval: 1s`. By our own reading of just the forms that ship, so that a result is the same wherever it is made; a test
/// holds it to `promtool`.
enum AlertRules {
    static let path = "deploy/prometheus/voice-alerts.yaml"

    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    /// Nil when it cannot be told: no series, or no rules.
    static func evaluate(_ watch: AgentWatch) -> [RunResult.AlertRecord]? {
        guard watch.looks > 1, let firstLook = watch.firstLook, let rules = try? shipped() else {
            return nil
        }
        let fired = firings(rules, AlertSeries(watch), seconds: watch.looks)
        return zip(rules, fired).map { rule, second in
            .init(name: rule.name, at: second.map { firstLook + .seconds($0) })
        }
    }

    static func shipped() throws -> [AlertRule] {
        guard let found = ShareFolder.locate(path) else {
            throw Problem(description: "\(path) is not there")
        }
        return try read(String(decoding: try TextFile.read(found), as: UTF8.self))
    }

    /// The first second at which each rule fires; nil: at none.
    static func firings(_ rules: [AlertRule], _ series: AlertSeries, seconds: Int) -> [Int?] {
        rules.map { rule -> Int? in
            // Since when each element has been there without a break.
            var since: [[AlertSeries.Label]: Int] = [:]
            for second in 0..<seconds {
                guard case .vector(let now) = series.value(of: rule.expression, at: second) else {
                    return nil
                }
                var still: [[AlertSeries.Label]: Int] = [:]
                for element in now { still[element.labels] = since[element.labels] ?? second }
                since = still
                if since.values.contains(where: { second - $0 >= rule.hold }) { return second }
            }
            return nil
        }
    }

    /// The file's rules; its form is our own: a rule is `- alert:`, `expr:` in double quotes, `for:`.
    static func read(_ text: String) throws -> [AlertRule] {
        var rules: [AlertRule] = []
        var name: Substring?
        var expression: AlertExpression?
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = line.drop { $0 == " " || $0 == "-" }
            func value(_ key: String) -> Substring? {
                line.hasPrefix(key) ? line.dropFirst(key.count) : nil
            }
            if let found = value("alert: ") {
                name = found
                expression = nil
            } else if let found = value("expr: ") {
                let quoted = found.replacing("\\\"", with: "\u{1}").filter { $0 != "\"" }
                do {
                    expression = try AlertExpression(
                        String(quoted).replacing("\u{1}", with: "\""))
                } catch {
                    throw Problem(description: "\(path):\(number + 1): \(error)")
                }
            } else if let found = value("for: "), let known = name, let whole = expression {
                rules.append(
                    AlertRule(name: String(known), expression: whole, hold: try seconds(found)))
                name = nil
            }
        }
        return rules
    }

    private static func seconds(_ text: Substring) throws -> Int {
        guard let number = Int(text.dropLast()) else {
            throw Problem(description: "\(path): for: \(text) is no duration such as 5m")
        }
        return text.last == "h" ? number * 3600 : text.last == "m" ? number * 60 : number
    }
}
