/// Where a key or scalar stands. Lines and columns count from 1; columns count characters.
package struct YAMLMark: Hashable, Sendable {
    /// As the person named it; for `--set` overrides the option itself, and then `line` is 0.
    package var file: String
    package var line: Int
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `scenario.yaml:12:5`; without line and column where there are none.
    package var text: String { line == 0 ? file : "\(file):\(line):\(column)" }
}

/// One node of a YAML document. Scalars stay text: what they mean is their reader's business, so `on`, `no` and `1.10`
/// are never booleans or floats by accident.
package struct YAMLNode: Hashable, Sendable {
    package enum Content: Hashable, Sendable {
        case scalar(String)
        case list([YAMLNode])
        case map([Entry])
    }

    package struct Entry: Hashable, Sendable {
        package var key: String
        package var mark: YAMLMark
        package var value: YAMLNode

        package init(key: String, mark: YAMLMark, value: YAMLNode) {
            self.key = key
            self.mark = mark
            self.value = value
        }
    }

    package enum Style: Hashable, Sendable {
        case plain
        /// In quotes: the text begins one column after the mark.
        case quoted
        /// `|` or `>`: the text begins on a later line.
        case block
        /// A list or a map.
        case collection
    }

    package var content: Content
    package var mark: YAMLMark
    package var style: Style

    package init(_ content: Content, mark: YAMLMark, style: Style) {
        self.content = content
        self.mark = mark
        self.style = style
    }

    package var scalar: String? { if case .scalar(let text) = content { text } else { nil } }
    package var list: [YAMLNode]? { if case .list(let items) = content { items } else { nil } }
    package var map: [Entry]? { if case .map(let entries) = content { entries } else { nil } }

    /// Nothing stands after the key, or one of YAML's words for it (YAML 1.2.2 §10.3.2).
    package var isEmpty: Bool {
        guard style == .plain, let scalar else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar)
    }

    package subscript(_ key: String) -> YAMLNode? { map?.first { $0.key == key }?.value }

    /// What it is, for messages.
    package var kindName: String {
        switch content {
        case .scalar(let text):
            isEmpty
                ? "nothing" : text.count > 60 ? "\"\(text.prefix(60))…\"" : "\"\(text)\""
        case .list: "a list"
        case .map: "a map of keys"
        }
    }

    /// The place of the byte `offset` of a scalar's text. Exact for scalars on one line.
    package func mark(at offset: Int) -> YAMLMark {
        guard mark.line > 0, let text = scalar, style == .plain || style == .quoted else {
            return mark
        }
        let before = text.utf8.prefix(offset)
        let characters = String(decoding: before, as: UTF8.self).unicodeScalars.count
        var mark = mark
        mark.column += characters + (style == .quoted ? 1 : 0)
        return mark
    }
}
