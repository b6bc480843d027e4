import UproarCore

/// What `uproar list` prints: the catalogs, one section each.
package struct ListText {
    package var name: String
    package var text: String

    package static var sections: [ListText] {
        [
            section(
                "metrics", "what a gate may name",
                MetricCatalog.all.map {
                    ($0.name, "\($0.dimension.rawValue), \($0.kind.rawValue): \($0.summary)")
                }),
            section(
                "transports", "ways to call an agent",
                TransportCatalog.all.map { ($0.name, $0.summary) }),
            section(
                "providers", "what the emulators play",
                ProviderCatalog.all.map { ($0.id.name, "\($0.id.role.rawValue): \($0.summary)") }),
            section(
                "faults", "what a timeline may inject",
                FaultCatalog.all.map {
                    let place = FaultCatalog.place(of: $0.name, on: $0.targets)
                    return ($0.name, "\(place?.rawValue ?? ""): \($0.summary)")
                }),
            section(
                "exit-codes", "how a run ends",
                ExitCode.allCases.map { (String($0.rawValue), $0.summary) }),
        ]
    }

    private static func section(_ name: String, _ head: String, _ rows: [(String, String)])
        -> ListText
    {
        let width = rows.map(\.0.count).max() ?? 0
        var text = "\(name): \(head)\n"
        if rows.isEmpty { text += "  (none in this version)\n" }
        for (word, summary) in rows {
            text +=
                "  " + word + String(repeating: " ", count: width - word.count) + "  \(summary)\n"
        }
        return ListText(name: name, text: text)
    }
}
