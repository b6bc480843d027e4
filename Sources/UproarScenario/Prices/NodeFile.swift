import UproarCore

/// Node files: what machines hold and cost, and prices by minute of call that no provider of a run is paid.
///
/// ```yaml
/// name: list-2025
/// nodes:
///   - {name: n2-standard-4, cores: 4, memory: 16GiB, dollars: $0.1942, as_of: 2025-11, source: "…"}
/// minutes:
///   - {name: media_edge, dollars: $0.01, as_of: 2025-11, source: "…"}
/// ```
package enum NodeFile {
    static let page = "docs/capacity.md#nodes"
    /// What a minute price may be of.
    package static let minuteNames = ["media_edge", "telephony"]

    package static func read(_ bytes: [UInt8], file: String) throws(FileProblems) -> NodeBook {
        let reading = Reading(file: file)
        let book = read(bytes, file: file, reading)
        guard let book, reading.problems.isEmpty else {
            throw FileProblems(reading.sortedProblems)
        }
        return book
    }

    private static func read(_ bytes: [UInt8], file: String, _ reading: Reading) -> NodeBook? {
        guard let root = reading.document(bytes, file: file),
            let map = MapReader(
                reading, root, path: "", keys: ["name", "nodes", "minutes"], page: page)
        else { return nil }
        let name = map.required("name", "a name for reports", ScalarText.text)
        guard map.hasRequired("nodes", "a list of nodes"), let node = map.node("nodes"),
            let items = reading.list(node, path: "nodes", page: page, of: "nodes")
        else { return nil }
        var nodes: [NodeBook.Node] = []
        for (index, item) in items.enumerated() {
            guard let entry = entry(item, "nodes[\(index)]", reading) else { continue }
            if nodes.contains(where: { $0.name == entry.name }) {
                reading.report(
                    item.mark, "a second node named \(entry.name)", allowed: "each once",
                    page: page)
            }
            nodes.append(entry)
        }
        var minutes: [NodeBook.MinutePrice] = []
        if let node = map.node("minutes") {
            let items = reading.list(node, path: "minutes", page: page, of: "prices") ?? []
            for (index, item) in items.enumerated() {
                if let price = minute(item, "minutes[\(index)]", reading) { minutes.append(price) }
            }
        }
        return name.map { NodeBook(name: $0, nodes: nodes, minutes: minutes) }
    }

    private static func entry(_ node: YAMLNode, _ path: String, _ reading: Reading)
        -> NodeBook.Node?
    {
        let keys = ["name", "cores", "memory", "dollars", "as_of", "source"]
        guard let map = MapReader(reading, node, path: path, keys: keys, page: page) else {
            return nil
        }
        let name = map.required("name", "the node's name, such as n2-standard-4", ScalarText.text)
        let cores = map.required("cores", "its cores", ScalarText.cores)
        let memory = map.required("memory", "its memory, such as 16GiB") {
            text throws(TextProblem) in try QuantityText.parse(text, .bytes)
        }
        let dollars = map.required("dollars", "US dollars an hour, such as $0.1942", money)
        let date = map.required(
            "as_of", "the month of the figure, such as 2025-11", ScalarText.text)
        let source = map.required("source", "where the figure comes from", ScalarText.text)
        guard let name, let cores, let memory, let dollars, let date, let source else { return nil }
        return .init(
            name: name, cores: cores.value, memory: memory, dollarsPerHour: dollars, asOf: date,
            source: source)
    }

    private static func minute(_ node: YAMLNode, _ path: String, _ reading: Reading)
        -> NodeBook.MinutePrice?
    {
        let keys = ["name", "dollars", "as_of", "source"]
        guard let map = MapReader(reading, node, path: path, keys: keys, page: page) else {
            return nil
        }
        let name = map.required("name", "what the minute is of") { text throws(TextProblem) in
            try ScalarText.word(text, of: minuteNames.map { ($0, $0) }, what: "minute price")
        }
        let dollars = map.required("dollars", "US dollars a minute, such as $0.01", money)
        let date = map.required(
            "as_of", "the month of the figure, such as 2025-11", ScalarText.text)
        let source = map.required("source", "where the figure comes from", ScalarText.text)
        guard let name, let dollars, let date, let source else { return nil }
        return .init(name: name, dollars: dollars, asOf: date, source: source)
    }

    private static func money(_ text: String) throws(TextProblem) -> Double {
        try QuantityText.parse(text, .money)
    }
}
