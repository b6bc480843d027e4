import UproarCore
import UproarHarness

extension Command {
    static let list = Command(
        name: "list",
        summary: "what can be named: metrics, transports, providers, faults, exit codes",
        form: "[metrics|transports|providers|faults|exit-codes]", text: "", flags: []
    ) { arguments in
        let sections = ListText.sections
        guard arguments.rest.count <= 1 else {
            throw Arguments.Mistake(
                text: """
                    one list at a time; \(arguments.rest.count) are named
                      lists: \(sections.map(\.name).joined(separator: " "))
                    """)
        }
        if let name = arguments.rest.first {
            guard let section = sections.first(where: { $0.name == name }) else {
                let near = NearestName.of(name, among: sections.map(\.name))
                throw Arguments.Mistake(
                    text: """
                        nothing called '\(name)' to list\(near.map { "; did you mean '\($0)'?" } ?? "")
                          lists: \(sections.map(\.name).joined(separator: " "))
                        """)
            }
            Terminal.standardOutput(section.text)
            return .passed
        }
        Terminal.standardOutput(sections.map(\.text).joined(separator: "\n"))
        return .passed
    }
}
