import UproarCore

/// The words after the command: long flags as `--key value` or `--key=value`, and the rest in order.
///
/// A flag given twice is refused (except those that collect, as `--set`), so is one the command does not know.
struct Arguments {
    struct Flag: Sendable {
        var name: String
        /// What stands behind it in help (`DIR`, `N`); nil for a switch.
        var value: String?
        var summary: String
        var repeats = false

        init(_ name: String, _ value: String? = nil, _ summary: String, repeats: Bool = false) {
            self.name = name
            self.value = value
            self.summary = summary
            self.repeats = repeats
        }
    }

    /// What the person got wrong, ready to print.
    struct Mistake: Error {
        var text: String
    }

    private var values: [String: [String]] = [:]
    private(set) var rest: [String] = []

    init(_ words: [String], flags: [Flag], command: String) throws(Mistake) {
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            if word == "--" {
                rest += words[index...]
                break
            }
            guard word.hasPrefix("--") else {
                if word.hasPrefix("-"), word.count > 1, Double(word) == nil {
                    throw Mistake(
                        text: """
                            unknown flag '\(word)' of 'uproar \(command)'
                              \(flags.isEmpty ? Self.allowed(flags) : "flags are long: \(Self.names(flags))")
                              see 'uproar help \(command)'
                            """)
                }
                rest.append(word)
                continue
            }
            let parts = word.dropFirst(2).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let flag = flags.first(where: { $0.name == name }) else {
                let near = NearestName.of(name, among: flags.map(\.name))
                throw Mistake(
                    text: """
                        unknown flag '--\(name)' of 'uproar \(command)'\
                        \(near.map { "; did you mean '--\($0)'?" } ?? "")
                          \(Self.allowed(flags))
                          see 'uproar help \(command)'
                        """)
            }
            var value = ""
            if flag.value != nil {
                if parts.count == 2 {
                    value = String(parts[1])
                } else if index < words.count {
                    value = words[index]
                    index += 1
                } else {
                    throw Mistake(text: "flag '--\(name)' needs a value: --\(name) \(flag.value!)")
                }
            } else if parts.count == 2 {
                throw Mistake(text: "flag '--\(name)' is a switch and takes no value")
            }
            if values[name] != nil, !flag.repeats {
                throw Mistake(text: "flag '--\(name)' is given twice; which one is meant?")
            }
            values[name, default: []].append(value)
        }
    }

    private static func names(_ flags: [Flag]) -> String {
        flags.map { "--\($0.name)" }.joined(separator: " ")
    }

    private static func allowed(_ flags: [Flag]) -> String {
        flags.isEmpty ? "it takes no flags" : "it takes: \(names(flags))"
    }

    func has(_ name: String) -> Bool { values[name] != nil }
    func text(_ name: String) -> String? { values[name]?.last }
    func all(_ name: String) -> [String] { values[name] ?? [] }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(Mistake) -> Int? {
        guard let text = text(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw Mistake(
                text:
                    "'--\(name) \(text)': a whole number from \(range.lowerBound) to \(range.upperBound) is allowed"
            )
        }
        return value
    }

    func seed(_ name: String = "seed") throws(Mistake) -> UInt64? {
        guard let text = text(name) else { return nil }
        guard let value = UInt64(text) else {
            throw Mistake(
                text: "'--\(name) \(text)': a whole number from 0 to \(UInt64.max) is allowed")
        }
        return value
    }
}
