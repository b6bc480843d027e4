import UproarCore

/// The rules that need the whole timeline: references lead to events, and nothing waits for itself.
struct TimelineCheck {
    let reading: Reading
    let events: [(event: TimelineEvent, mark: YAMLMark)]

    func run() {
        let ids = events.map(\.event.id)
        let injects = events.map(\.event).filter {
            if case .inject = $0.action { true } else { false }
        }
        .map(\.id)
        for (event, mark) in events {
            if case .after(let id, _) = event.when { known(id, ids, mark, "after") }
            if case .clear(let id) = event.action { known(id, injects, mark, "clear") }
            if case .untilEvent(let id, _)? = event.life {
                known(id, ids, mark, "until")
                if id == event.id {
                    report(mark, "\(event.id) waits for itself", "another event's id")
                }
            }
        }
        // Following "after" from event to event must end.
        for (event, mark) in events {
            var place = event
            var seen: Set<String> = []
            while case .after(let id, _) = place.when,
                let next = events.first(where: { $0.event.id == id })?.event
            {
                if !seen.insert(place.id).inserted {
                    if place.id == event.id {
                        report(
                            mark, "\(event.id) waits for itself",
                            "a chain of after: that begins with at:")
                    }
                    break
                }
                place = next
            }
        }
    }

    private func known(_ id: String, _ all: [String], _ mark: YAMLMark, _ key: String) {
        guard !all.contains(id) else { return }
        let what = key == "clear" ? "inject" : "event"
        report(
            mark, "\(key): there is no \(what) \"\(id)\"" + ScalarText.suggestion(id, among: all),
            all.isEmpty ? "an \(what) of this timeline: there is none" : all.joined(separator: ", ")
        )
    }

    private func report(_ mark: YAMLMark, _ reason: String, _ allowed: String) {
        reading.report(mark, reason, allowed: allowed, page: TimelineReader.page)
    }
}
