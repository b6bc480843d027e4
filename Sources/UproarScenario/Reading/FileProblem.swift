import UproarCore

/// One thing wrong in a file, told in three lines: what is wrong and where, what is allowed, where to read more.
package struct FileProblem: Error, Hashable, Sendable {
    package var mark: YAMLMark
    /// What is wrong, with the nearest valid name when there is one.
    package var reason: String
    package var allowed: String
    /// A page of the documentation with its heading: `docs/scenario.md#load`.
    package var page: String

    package init(mark: YAMLMark, reason: String, allowed: String, page: String) {
        self.mark = mark
        self.reason = reason
        self.allowed = allowed
        self.page = page
    }

    package var text: String {
        let line = reason.split(separator: "\n", omittingEmptySubsequences: false)
            .joined(separator: "\\n")
        return "\(mark.text): \(line)\n    allowed: \(allowed)\n    more: \(page)"
    }
}

/// Everything wrong with the files of one scenario, in the order in which it stands there.
package struct FileProblems: Error, Hashable, Sendable, CustomStringConvertible {
    package var problems: [FileProblem]

    package init(_ problems: [FileProblem]) { self.problems = problems }

    /// All of them, three lines each.
    package var description: String { problems.map(\.text).joined(separator: "\n") }
}
