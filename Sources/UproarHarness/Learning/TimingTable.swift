import UproarCore

/// Timings one by one: a CSV file with a heading, or JSON objects one a line.
///
/// | column | |
/// |---|---|
/// | `provider` | a name of `uproar list providers`, or its host |
/// | `operation` | of the provider; empty: its usual one |
/// | `ms` or `seconds` | a number |
/// | `what` | `first` (the default) or `connect` |
/// | `status` | HTTP status; 400 and above are left out |
enum TimingTable {
    static let columns = ["provider", "operation", "ms", "seconds", "what", "status"]

    static func readCSV(_ bytes: [UInt8], file: String, into ledger: inout LatencyLedger) throws {
        let table: CSVTable
        do { table = try CSVTable(bytes, rowLimit: LatencyLedger.valueLimit) } catch {
            throw problem(file, error.line, error.reason, error.allowed)
        }
        let heading = table.heading.map { $0.trimmed.lowercased() }
        guard let provider = heading.firstIndex(of: "provider") else {
            throw problem(file, 1, "no column \"provider\"", allowed(heading))
        }
        let milliseconds = heading.firstIndex(of: "ms")
        guard let time = milliseconds ?? heading.firstIndex(of: "seconds") else {
            throw problem(file, 1, "no column \"ms\" or \"seconds\"", allowed(heading))
        }
        func cell(_ name: String, _ row: CSVTable.Row) -> String? {
            heading.firstIndex(of: name).map { row.cells[$0].trimmed }
        }
        for row in table.rows {
            guard let number = Double(row.cells[time].trimmed), number.isFinite else {
                throw problem(
                    file, row.line, "\"\(row.cells[time])\" is no number",
                    "a number of \(milliseconds == nil ? "seconds" : "milliseconds")")
            }
            try take(
                provider: row.cells[provider].trimmed, operation: cell("operation", row),
                nanoseconds: number * (milliseconds == nil ? 1e9 : 1e6),
                what: cell("what", row), status: cell("status", row).flatMap { Int($0) },
                file: file, line: row.line, into: &ledger)
        }
    }

    private static func allowed(_ heading: [String]) -> String {
        let near = heading.compactMap { word -> String? in
            guard !columns.contains(word), let near = NearestName.of(word, among: columns) else {
                return nil
            }
            return "\"\(word)\" may be \"\(near)\""
        }
        return (["the columns \(columns.joined(separator: ", "))"] + near).joined(separator: "; ")
    }

    static func problem(_ file: String, _ line: Int, _ reason: String, _ allowed: String)
        -> ScenarioLoading.Problem
    {
        ScenarioLoading.Problem(
            "\(file):\(line): \(reason)\n    allowed: \(allowed)\n    more: docs/providers.md#learn"
        )
    }

    private static func take(
        provider: String, operation: String?, nanoseconds: Double, what: String?, status: Int?,
        file: String, line: Int, into ledger: inout LatencyLedger
    ) throws {
        if let status, status >= 400 { return ledger.leave("refused (status \(status))") }
        let time: LatencyLedger.Time
        switch what {
        case nil, "": time = .first
        case let word?:
            guard let known = LatencyLedger.Time(rawValue: word) else {
                throw problem(
                    file, line, "what: \"\(word)\" is no time of an operation", "first, connect")
            }
            time = known
        }
        guard abs(nanoseconds) < 3.6e12 else { return ledger.leave("times above an hour") }
        if let key = ledger.key(provider: provider, operation: operation, time: time) {
            ledger.add(.nanoseconds(Int64(nanoseconds)), key)
        }
    }

    /// Lines of timings, of a run's `requests.jsonl`, or of its `calls.jsonl`, each told by its members.
    static func readLines(_ bytes: [UInt8], file: String, into ledger: inout LatencyLedger) throws {
        var number = 0
        for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
            number += 1
            guard line.contains(where: { $0 > 0x20 }) else { continue }
            let json: JSONValue
            do throws(JSONError) { json = try JSONParser.parse(Array(line)) } catch {
                throw problem(
                    file, number, "\(error)", "one JSON object in each line")
            }
            if json["at_ms"] != nil, json["operation"] != nil {
                takeRequest(json, into: &ledger)
            } else if json["turns"]?.items != nil {
                takeCall(json, into: &ledger)
            } else if json["left_out"] != nil {
                continue
            } else if json["resourceSpans"] != nil {
                TraceFile.take(json, into: &ledger)
            } else {
                try takeTiming(json, file: file, line: number, into: &ledger)
            }
        }
    }

    private static func takeTiming(
        _ json: JSONValue, file: String, line: Int, into ledger: inout LatencyLedger
    ) throws {
        guard let provider = json["provider"]?.text else {
            throw problem(
                file, line, "no \"provider\"",
                "objects with \(columns.joined(separator: ", "))")
        }
        let scale: Double
        let number: Double
        if let value = json["ms"]?.double {
            (number, scale) = (value, 1e6)
        } else if let value = json["seconds"]?.double {
            (number, scale) = (value, 1e9)
        } else {
            throw problem(file, line, "no number \"ms\" or \"seconds\"", "a number")
        }
        try take(
            provider: provider, operation: json["operation"]?.text, nanoseconds: number * scale,
            what: json["what"]?.text, status: json["status"]?.int, file: file, line: line,
            into: &ledger)
    }

    // MARK: Our own files

    /// A line of `requests.jsonl`.
    private static func takeRequest(_ json: JSONValue, into ledger: inout LatencyLedger) {
        guard let provider = json["provider"]?.text, let operation = json["operation"]?.text else {
            return
        }
        // A socket's first content is its exchanges'.
        guard json["kind"]?.text != "socket", operation != ProviderOperation.other else { return }
        guard json["outcome"]?.text == "answered" else {
            return ledger.leave("not answered (\(json["outcome"]?.text ?? "unknown"))")
        }
        guard let at = json["at_ms"]?.double, let first = json["first_ms"]?.double else {
            return ledger.leave("without content")
        }
        if let key = ledger.key(provider: provider, operation: operation) {
            ledger.add(.nanoseconds(Int64((first - at) * 1e6)), key)
        }
    }

    /// A line of `calls.jsonl`: the stages that a provider owns; which operation it was is not in it.
    private static func takeCall(_ json: JSONValue, into ledger: inout LatencyLedger) {
        for turn in json["turns"]?.items ?? [] {
            for (stage, name) in [
                ("stt", "stt"), ("llm_first_token", "llm"), ("tts_first_byte", "tts"),
            ] {
                guard let value = turn["stages_ms"]?[stage]?.double,
                    let provider = turn[name]?.text
                else { continue }
                if let key = ledger.key(provider: provider, operation: nil) {
                    ledger.add(.nanoseconds(Int64(value * 1e6)), key)
                }
            }
        }
    }
}

extension String {
    /// Without blanks at both ends.
    fileprivate var trimmed: String {
        var text = self[...]
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text.drop { $0.isWhitespace })
    }
}
