import UproarCore

/// An inject that somebody asks for by hand, read as the timeline reads its events: the same names, units and messages.
package enum InjectText {
    /// - attributes: names and texts as given; `on`, `p`, `cohort`, … may be among them.
    package static func event(
        id: String, fault: String, on: [String], for time: String,
        attributes: [(name: String, text: String)], catalog: ScenarioCatalog
    ) throws(FileProblems) -> TimelineEvent {
        var members: [JSONValue.Member] = [
            .init("id", .string(id)), .init("at", .string("0s")), .init("for", .string(time)),
            .init("inject", .string(fault)),
        ]
        if !on.isEmpty {
            members.append(
                .init("on", on.count == 1 ? .string(on[0]) : .array(on.map { .string($0) })))
        }
        members += attributes.map { .init($0.name, .string($0.text)) }
        let reading = Reading(file: "inject")
        // JSON is YAML.
        let bytes = JSONValue.object([.init("timeline", .array([.object(members)]))]).encoded()
        let events =
            reading.document(bytes, file: "inject").map {
                TimelineReader(reading: reading, catalog: catalog).read($0["timeline"])
            } ?? []
        let problems = reading.sortedProblems
        guard problems.isEmpty, let event = events.first?.event else {
            throw FileProblems(problems)
        }
        return event
    }
}
