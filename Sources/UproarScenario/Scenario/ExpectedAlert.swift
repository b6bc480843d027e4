import UproarCore

/// An alert of the shipped rules that a drill must set off: `DeadAir within 30s` of the first effect of its first fault.
package struct ExpectedAlert: Hashable, Sendable {
    package var name: String
    package var within: Duration

    package init(name: String, within: Duration) {
        self.name = name
        self.within = within
    }

    package var text: String { "\(name) within \(DurationText.exact(within))" }
}

extension ScenarioReader {
    /// `alerts: none`, one alert or a list of them; nil where nothing is said.
    func alerts(_ map: MapReader) -> [ExpectedAlert]? {
        guard let node = map.node("alerts") else { return nil }
        if node.scalar == "none" { return [] }
        return map.texts("alerts").compactMap { item in
            reading.value(item, path: "alerts", page: "docs/faults.md#alerts") {
                text throws(TextProblem) in try expected(text)
            }
        }
    }

    private func expected(_ text: String) throws(TextProblem) -> ExpectedAlert {
        let words = text.split(separator: " ")
        let form = "none, or NAME within TIME, such as DeadAir within 30s"
        guard words.count == 3, words[1] == "within" else {
            throw TextProblem(
                offset: 0, reason: "\"\(text)\" is no expected alert", allowed: form)
        }
        let name = String(words[0])
        guard catalog.alerts.contains(name) else {
            let near = NearestName.of(name, among: catalog.alerts).map { "; nearest is \($0)" }
            throw TextProblem(
                offset: 0, reason: "no rule that ships is called \(name)\(near ?? "")",
                allowed: catalog.alerts.joined(separator: ", "))
        }
        return ExpectedAlert(name: name, within: try ScalarText.positiveDuration(String(words[2])))
    }
}
