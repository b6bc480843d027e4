/// A table of comma-separated values with a heading (RFC 4180): quoted cells may hold commas, quotes written twice, and line ends.
///
/// A byte order mark is skipped, lines may end with CR LF or LF, and lines without anything in them do not count.
package struct CSVTable: Hashable, Sendable {
    package struct Row: Hashable, Sendable {
        /// Counts from 1; where the row begins.
        package var line: Int
        /// As many as the heading has.
        package var cells: [String]
    }

    package struct Problem: Error, Hashable, Sendable {
        package var line: Int
        package var reason: String
        package var allowed: String
    }

    /// Of the first line.
    package var heading: [String]
    package var rows: [Row]

    /// - rowLimit: more rows than that are a problem.
    package init(_ bytes: [UInt8], rowLimit: Int) throws(Problem) {
        var reader = Reader(bytes: bytes)
        guard let first = try reader.row() else {
            throw Problem(line: 1, reason: "the file is empty", allowed: "a line of column names")
        }
        heading = first.cells
        rows = []
        while let row = try reader.row() {
            guard row.cells.count == heading.count else {
                throw Problem(
                    line: row.line, reason: "\(row.cells.count) cells stand in this line",
                    allowed: "\(heading.count), as in the heading")
            }
            guard rows.count < rowLimit else {
                throw Problem(
                    line: row.line, reason: "more than \(rowLimit) lines",
                    allowed: "at most \(rowLimit) below the heading")
            }
            rows.append(row)
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var offset: Int
        var line = 1

        static let quote = UInt8(ascii: "\"")
        static let comma = UInt8(ascii: ",")
        static let lineFeed = UInt8(ascii: "\n")
        static let carriageReturn = UInt8(ascii: "\r")

        init(bytes: [UInt8]) {
            self.bytes = bytes
            offset = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        }

        mutating func row() throws(Problem) -> Row? {
            skipEmptyLines()
            guard offset < bytes.count else { return nil }
            let start = line
            var cells: [String] = []
            while true {
                cells.append(try cell())
                guard offset < bytes.count, bytes[offset] == Self.comma else { break }
                offset += 1
            }
            if offset < bytes.count, bytes[offset] == Self.carriageReturn { offset += 1 }
            if offset < bytes.count, bytes[offset] == Self.lineFeed {
                offset += 1
                line += 1
            }
            return Row(line: start, cells: cells)
        }

        private mutating func skipEmptyLines() {
            while offset < bytes.count {
                if bytes[offset] == Self.lineFeed {
                    line += 1
                } else if bytes[offset] != Self.carriageReturn {
                    return
                }
                offset += 1
            }
        }

        private mutating func cell() throws(Problem) -> String {
            guard offset < bytes.count, bytes[offset] == Self.quote else {
                let start = offset
                while offset < bytes.count, bytes[offset] != Self.comma,
                    bytes[offset] != Self.lineFeed, bytes[offset] != Self.carriageReturn
                { offset += 1 }
                return try text(bytes[start..<offset])
            }
            let start = line
            offset += 1
            var cell: [UInt8] = []
            while true {
                guard offset < bytes.count else {
                    throw Problem(
                        line: start, reason: "a quote is never closed",
                        allowed: "\"…\", with a quote inside written twice")
                }
                let byte = bytes[offset]
                offset += 1
                if byte == Self.quote {
                    guard offset < bytes.count, bytes[offset] == Self.quote else { break }
                    offset += 1
                }
                if byte == Self.lineFeed { line += 1 }
                cell.append(byte)
            }
            guard
                offset >= bytes.count
                    || [Self.comma, Self.lineFeed, Self.carriageReturn].contains(bytes[offset])
            else {
                throw Problem(
                    line: line, reason: "text follows a closing quote",
                    allowed: "a comma or the end of the line")
            }
            return try text(cell[...])
        }

        private func text(_ bytes: ArraySlice<UInt8>) throws(Problem) -> String {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Problem(line: line, reason: "this is not UTF-8 text", allowed: "UTF-8")
            }
            return text
        }
    }
}
