import UproarCore

/// `--map-exit 4=0`: which exit codes the caller wants changed. What happened is still in every report.
struct ExitMap {
    private var pairs: [(from: Int32, to: Int32)] = []

    init() {}

    init(_ texts: [String]) throws(Arguments.Mistake) {
        for text in texts {
            let parts = text.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, let from = Int32(parts[0]), let to = Int32(parts[1]),
                ExitCode(rawValue: from) != nil, (0...255).contains(to)
            else {
                throw Arguments.Mistake(
                    text: """
                        '--map-exit \(text)': two exit codes are due, as 4=0
                          known: \(ExitCode.allCases.map { "\($0.rawValue) \($0)" }.joined(separator: ", "))
                          see docs/ci/README.md
                        """)
            }
            pairs.append((from, to))
        }
    }

    func of(_ code: ExitCode) -> Int32 {
        guard let pair = pairs.first(where: { $0.from == code.rawValue }) else {
            return code.rawValue
        }
        let isHidden = pair.to == 0 && code != .inconclusive
        Terminal.standardError(
            "exit \(pair.to) in place of \(code.rawValue) (\(code.summary)), by --map-exit"
                + (isHidden ? ": a failure passes" : "") + "\n")
        return pair.to
    }
}
