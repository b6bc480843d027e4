import UproarCore

/// A map read strictly: keys outside the list are problems with the nearest valid name.
struct MapReader {
    let reading: Reading
    let node: YAMLNode
    /// What the map is, for messages: `providers.deepgram`; empty for the whole file.
    let path: String
    /// Where the documentation explains it.
    let page: String
    let keys: [String]

    /// nil (and a problem) when `node` is no map.
    init?(_ reading: Reading, _ node: YAMLNode, path: String, keys: [String], page: String) {
        self.reading = reading
        self.node = node
        self.path = path
        self.page = page
        self.keys = keys
        guard let entries = node.map else {
            reading.report(
                node.mark, "\(path.isEmpty ? "the file" : path) holds \(node.kindName)",
                allowed: "a map with the keys \(keys.joined(separator: ", "))", page: page)
            return nil
        }
        for entry in entries where !keys.contains(entry.key) {
            reading.report(
                entry.mark,
                "unknown key \"\(entry.key)\"" + (path.isEmpty ? "" : " in \(path)")
                    + ScalarText.suggestion(entry.key, among: keys),
                allowed: keys.joined(separator: ", "), page: page)
        }
    }

    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The node of a key, or nil. A key of ours that is not in `keys` is our mistake.
    func node(_ key: String) -> YAMLNode? {
        precondition(keys.contains(key), "the key \(key) is not in the list of \(path)")
        return node[key]
    }

    /// The mark of a key itself, or of the map.
    func mark(_ key: String) -> YAMLMark {
        node.map?.first { $0.key == key }?.mark ?? node.mark
    }

    func value<Value>(_ key: String, _ parse: (String) throws(TextProblem) -> Value) -> Value? {
        node(key).flatMap { reading.value($0, path: name(key), page: page, parse) }
    }

    /// Like `value`, and a missing key is a problem.
    func required<Value>(
        _ key: String, _ what: String, _ parse: (String) throws(TextProblem) -> Value
    ) -> Value? {
        guard hasRequired(key, what) else { return nil }
        return value(key, parse)
    }

    func hasRequired(_ key: String, _ what: String) -> Bool {
        if node(key) != nil { return true }
        reading.report(
            node.mark, "\(path.isEmpty ? "the file" : path) has no \"\(key)\"", allowed: what,
            page: page)
        return false
    }

    func texts(_ key: String) -> [YAMLNode] {
        node(key).map { reading.texts($0, path: name(key), page: page) } ?? []
    }

    func map(_ key: String, keys: [String], page: String? = nil) -> MapReader? {
        node(key).flatMap {
            MapReader(reading, $0, path: name(key), keys: keys, page: page ?? self.page)
        }
    }
}
