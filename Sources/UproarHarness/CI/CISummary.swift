import Glibc
import UproarCore
import UproarPosix
import UproarReports
import UproarStatistics

/// What a CI shows of a run beside its files: GitHub's step summary and annotations, when its variables are set.
enum CISummary {
    /// Appends `summary.md` to the file that GITHUB_STEP_SUMMARY names, and answers the annotations for stderr. Never fails: a run's
    /// verdict does not hang on a page.
    static func emit(_ result: RunResult) -> String {
        show(MarkdownReport(result).text)
        guard variable("GITHUB_ACTIONS") == "true" else { return "" }
        return GitHubAnnotations(result).text
    }

    /// Appends Markdown to the step summary, where there is one.
    static func show(_ markdown: String) {
        guard let path = variable("GITHUB_STEP_SUMMARY") else { return }
        append(markdown + "\n", to: path)
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func append(_ text: String, to path: String) {
        let number = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard number >= 0 else { return }
        let descriptor = Descriptor(owning: number)
        try? AtomicFile.append(Array(text.utf8), to: descriptor.number)
    }
}
