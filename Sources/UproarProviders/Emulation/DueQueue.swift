import UproarCore

/// Things to send, each not before its time and never before the one put in before it.
struct DueQueue<Element> {
    private var entries: [(element: Element, due: Instant)] = []
    private var first = 0

    var firstDue: Instant? { first < entries.count ? entries[first].due : nil }
    var count: Int { entries.count - first }

    mutating func append(_ element: Element, due: Instant) {
        let last = first < entries.count ? entries[entries.count - 1].due : due
        entries.append((element, max(due, last)))
    }

    mutating func popDue(at now: Instant) -> Element? {
        guard first < entries.count, entries[first].due <= now else { return nil }
        let element = entries[first].element
        first += 1
        if first == entries.count {
            entries.removeAll(keepingCapacity: true)
            first = 0
        }
        return element
    }

    mutating func removeAll(where condition: (Element, Instant) -> Bool) {
        entries.removeFirst(first)
        first = 0
        entries.removeAll { condition($0.element, $0.due) }
    }
}
