import UproarCore

/// `callers: people.csv`: who the callers are. A column is a custom parameter of the call, a line is a caller; callers beyond the last
/// line begin again with the first.
///
/// What stands in the cells reaches the agent alone: results name the file, its columns and how many lines it has.
package struct CallerTable: Hashable, Sendable {
    /// As found.
    package var file: String
    package var columns: [String]
    /// Each as long as `columns`; never empty.
    package var rows: [[String]]

    static let page = "docs/scenario.md#callers"
    /// Twilio's bound on one parameter's name and value together.
    static let parameterLimit = 500
    private static let rowLimit = 1_000_000
    private static let columnLimit = 32

    /// Names and values of caller `seat`.
    package func parameters(ofCaller seat: Int) -> [(name: String, value: String)] {
        Array(zip(columns, rows[seat % rows.count])).map { (name: $0.0, value: $0.1) }
    }

    var json: JSONValue {
        [
            "file": .string(file), "columns": .array(columns.map { .string($0) }),
            "lines": JSONValue(rows.count),
        ]
    }

    /// A problem's place is the line of the CSV file.
    static func read(_ bytes: [UInt8], file: String) throws(FileProblem) -> CallerTable {
        func problem(_ line: Int, _ reason: String, _ allowed: String) -> FileProblem {
            FileProblem(
                mark: YAMLMark(file: file, line: line, column: 1), reason: reason,
                allowed: allowed, page: page)
        }
        let table: CSVTable
        do { table = try CSVTable(bytes, rowLimit: rowLimit) } catch {
            throw problem(error.line, error.reason, error.allowed)
        }
        guard table.heading.count <= columnLimit else {
            throw problem(1, "\(table.heading.count) columns", "at most \(columnLimit)")
        }
        for (place, name) in table.heading.enumerated() {
            guard !name.isEmpty, name.utf8.allSatisfy(TextScanner.isWordByte) else {
                throw problem(
                    1, "\"\(name)\" is no name of a parameter",
                    "letters, digits, - and _, such as account_type")
            }
            guard name != "session_id" else {
                throw problem(
                    1, "session_id is the run's own: a new one for each call",
                    "user_id and other names")
            }
            guard !table.heading[..<place].contains(name) else {
                throw problem(1, "the column \(name) stands twice", "each name once")
            }
        }
        guard !table.rows.isEmpty else {
            throw problem(1, "no caller stands below the heading", "a line for each caller")
        }
        for row in table.rows {
            for (name, cell) in zip(table.heading, row.cells)
            where name.utf8.count + cell.utf8.count > parameterLimit {
                throw problem(
                    row.line, "\(name) has \(cell.utf8.count) bytes",
                    "at most \(parameterLimit), the name included")
            }
        }
        return CallerTable(file: file, columns: table.heading, rows: table.rows.map(\.cells))
    }
}
