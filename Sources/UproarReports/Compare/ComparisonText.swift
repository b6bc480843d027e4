import UproarCore
import UproarStatistics

/// A comparison as lines for a terminal, a table for a comment on a change, and sentences for an outcome.
package struct ComparisonText {
    let comparison: RunComparison
    let before: String
    let after: String

    /// `before` and `after` name the two sides: a commit, a file.
    package init(_ comparison: RunComparison, before: String, after: String) {
        self.comparison = comparison
        self.before = before
        self.after = after
    }

    // MARK: Parts

    static func sign(_ verdict: RunComparison.Verdict) -> String {
        switch verdict {
        case .regressed: "✗"
        case .improved: "✓"
        case .unchanged: "="
        case .inconclusive: "?"
        }
    }

    static func quantity(_ value: Double, _ row: RunComparison.Row) -> String {
        if row.dimension == .share { return NumberText.fixed(value * 100, 2) + "%" }
        return GateRule.Quantity(value, row.dimension).text
    }

    /// `+87ms (+15.0%)`.
    static func change(_ row: RunComparison.Row) -> String {
        let sign = row.difference < 0 ? "−" : "+"
        var text = sign + quantity(abs(row.difference), row)
        if let relative = row.relative {
            text += " (\(sign)\(NumberText.fixed(abs(relative) * 100, 1))%)"
        }
        return text
    }

    /// `CI +70ms … +104ms`.
    static func interval(_ row: RunComparison.Row) -> String {
        func end(_ value: Double?) -> String {
            value.map { ($0 < 0 ? "−" : "+") + quantity(abs($0), row) } ?? "unknown"
        }
        return "CI \(end(row.interval.low)) … \(end(row.interval.high))"
    }

    /// Why the verdict is what it is, in words.
    static func note(_ row: RunComparison.Row) -> String {
        switch row.verdict {
        case .regressed: return "worse, outside noise (limit +\(quantity(row.limit, row)))"
        case .improved: return "better, outside noise"
        case .unchanged where row.isWithinNoise:
            return "within noise, no regression above +\(quantity(row.limit, row))"
        case .unchanged: return "no regression above +\(quantity(row.limit, row))"
        case .inconclusive:
            if let needed = row.baselineCallsNeeded {
                return "not known: the baseline needs ≈ \(NumberText.grouped(needed)) more calls"
            }
            guard let needed = row.callsNeeded else { return "too few calls to know" }
            return "not known yet: needs ≈ \(NumberText.grouped(needed)) more calls"
        }
    }

    // MARK: Forms

    /// Sentences for the reasons of an outcome: what is worse, or what is not known.
    package func sentences(_ verdict: RunComparison.Verdict) -> [String] {
        comparison.rows.filter { $0.verdict == verdict }.map { row in
            "\(row.metric) \(row.figure) \(Self.quantity(row.after, row)), baseline "
                + "\(Self.quantity(row.before, row)): \(Self.change(row)), \(Self.interval(row)); \(Self.note(row))"
        }
    }

    /// For stdout: the verdict first.
    package var text: String {
        let calls = comparison.callCounts
        var lines = [
            "COMPARE    \(comparison.verdict.rawValue.uppercased())   \(before) → \(after)   calls \(calls.before) and \(calls.after)"
        ]
        let names = comparison.rows.map { "\($0.metric) \($0.figure)" }
        let width = names.map(\.count).max() ?? 0
        for (row, name) in zip(comparison.rows, names) {
            let padded = name + String(repeating: " ", count: width - name.count)
            lines.append(
                "           \(Self.sign(row.verdict)) \(padded)  \(Self.quantity(row.before, row)) → "
                    + "\(Self.quantity(row.after, row))  \(Self.change(row))  \(Self.interval(row))  \(Self.note(row))"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// For a comment on a change.
    package var markdown: String {
        "### \(comparison.verdict.rawValue.uppercased()): \(before) → \(after)\n\n" + table + "\n"
    }

    /// The rows alone, without a line end.
    var table: String {
        let rows = comparison.rows.map { row in
            "| \(Self.sign(row.verdict)) | \(row.metric) \(row.figure) | \(Self.quantity(row.before, row)) | "
                + "\(Self.quantity(row.after, row)) | \(Self.change(row)) | \(Self.interval(row)) | \(Self.note(row)) |"
        }
        return "| | figure | before | after | change | 95 % CI of the change | |\n"
            + "|---|---|---|---|---|---|---|\n" + rows.joined(separator: "\n")
    }
}
